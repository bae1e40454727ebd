import subprocess
import sys
from importlib import import_module

import pytest

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.registry import JPEG_AI, METRICS, WITHOUT_WEIGHTS, find_metrics


def test_names_in_order_each_once() -> None:
    assert [metric.name for metric in find_metrics(["nlpd", "vmaf", "nlpd"])] == ["nlpd", "vmaf"]


def test_an_unknown_name_is_one_line_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"Unknown metric 'vmaff'. Did you mean 'vmaf'\?"):
        find_metrics(["vmaff"])


def test_the_seven_of_jpeg_ai_and_the_twelve_without_weights() -> None:
    assert [METRICS[name].label for name in JPEG_AI] == [
        *("MS-SSIM (luma)", "VMAF", "VIFp", "FSIMc", "NLPD", "IW-SSIM", "PSNR-HVS")
    ]
    assert len(WITHOUT_WEIGHTS) == 12


def test_smallest_sides_are_those_of_the_modules() -> None:
    for metric in METRICS.values():
        module = import_module(metric.module)
        assert getattr(module, "SMALLEST_SIDE", metric.smallest_side) == metric.smallest_side, metric.name


def test_listing_the_metrics_loads_no_torch() -> None:
    code = "import sys, lic_bench.measurement.perceptual.registry\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
