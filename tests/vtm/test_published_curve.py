"""The published Kodak curve, made again with the real VTM-9.1: `VTM_ROOT=... pytest -m vtm`, minutes the first time."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lic_bench.images.datasets import find_dataset
from vtm.model import load

SCRIPT = Path(__file__).parents[2] / "benchmarks/vtm_check.py"
BPP, PSNR_DB = 0.04824490017361111, 26.14484539  # CompressAI, results/image/kodak/vtm.json, its lowest rate


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("benchmarks_vtm_check", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def found(script: ModuleType, vtm: None, shared: Path) -> Any:
    """The figures of the 24 images at QP 47, the bitstreams from the cache where they are in it."""
    images = find_dataset("kodak", shared / "data").images
    assert len(images) == 24
    return script.figures(load(47, vtm_colour=script.MODE), images)


@pytest.mark.vtm
@pytest.mark.slow
def test_the_rate_is_the_published_one_to_the_last_digit(found: Any) -> None:
    assert found.bpp == BPP


@pytest.mark.vtm
@pytest.mark.slow
def test_the_published_psnr_is_that_against_the_encoders_input_as_float_rgb(found: Any, script: ModuleType) -> None:
    near = {name for name, value in found.psnr_db.items() if value == pytest.approx(PSNR_DB, abs=5e-6)}
    assert near == {script.PUBLISHED_PSNR}


def test_only_qps_of_the_published_curve_are_compared_with_it(script: ModuleType) -> None:
    assert script.published(47) == "published (8 digits): 0.0482449 bpp, 26.14484539 dB"
    assert script.published(12) == "published (8 digits): 3.63260905 bpp, 46.59176009 dB"
    assert script.published(40).startswith("nothing is published at QP 40, but at 47, 42")


def test_any_qp_of_vtm_is_taken_and_no_other(script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert [script.a_qp(text) for text in ("0", "40", "63")] == [0, 40, 63]
    monkeypatch.setattr(sys, "argv", ["vtm_check.py", "--qp", "64"])
    with pytest.raises(SystemExit):
        script.main()
    assert "argument --qp: 64; allowed: 0..63" in capsys.readouterr().err
