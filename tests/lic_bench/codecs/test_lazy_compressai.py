import json
import subprocess
import sys
from typing import Any

import compressai
import pytest
import torch
from compressai.models import MeanScaleHyperprior
from scipy.stats import norm

from lic_bench.codecs import lazy_compressai

PROCESS = """
import json, sys
from lic_bench.codecs import lazy_compressai

lazy_compressai.install_lazy_imports()
lazy_compressai.install_lazy_imports()
found = {"finders": sum(isinstance(finder, lazy_compressai._Finder) for finder in sys.meta_path)}
from compressai import ans, entropy_models, latent_codecs, layers, models, ops, zoo

found["loaded"] = [name for name in ("torchvision", "torch_geometric", "torch._dynamo") if name in sys.modules]
import torch

torch.manual_seed(0)
network = models.MeanScaleHyperprior(N=8, M=12).eval()
network.update()
found["strings"] = [string.hex() for [string] in network.compress(torch.rand(1, 3, 64, 64))["strings"]]
found["statistics"] = "scipy.stats._stats_py" in sys.modules
found["quantile"] = float(network.gaussian_conditional._standardized_quantile(5e-10))
import compressai
from compressai.losses import RateDistortionLoss
from compressai.registry import TRANSFORMS

found["used later"] = [RateDistortionLoss.__name__, compressai.datasets.ImageFolder.__name__]
found["registered"] = compressai.transforms.point.ToDict is TRANSFORMS.get("ToDict")
print(json.dumps(found))
"""
CODING = """
import sys
from lic_bench.codecs import lazy_compressai

lazy_compressai.install_lazy_imports()
import compressai.models
import torch
from adapters.mambavc.scan import selective_scan
from lalic.biwkv import biwkv
from lalic.pointwise import gate_, squared_relu_

with torch.no_grad():
    biwkv(*torch.rand(2, 4), *torch.rand(2, 1, 9, 4))
    gate_(torch.rand(4), torch.rand(4))
    squared_relu_(torch.rand(4))
    shapes = (1, 3, 3, 4), (4, 5, 4), (4, 4, 1), (4, 4), (16, 2), (16,)
    selective_scan(*(torch.rand(shape) for shape in shapes))
print([name for name in sys.modules if name.startswith("torch._dynamo")])
"""


@pytest.fixture(scope="module")
def found() -> Any:
    """What a fresh process finds with lean imports."""
    command = [sys.executable, "-W", "ignore", "-c", PROCESS]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_networks_come_without_torchvision_and_the_compiler(found: Any) -> None:
    assert found["loaded"] == []
    assert found["finders"] == 1


def test_the_operators_of_this_project_do_without_the_compiler() -> None:
    command = [sys.executable, "-W", "ignore", "-c", CODING]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_is_left_out_comes_when_it_is_used(found: Any) -> None:
    assert found["used later"] == ["RateDistortionLoss", "ImageFolder"]
    assert found["registered"] is True


def test_a_network_codes_the_same_bytes(found: Any) -> None:
    torch.manual_seed(0)
    network = MeanScaleHyperprior(N=8, M=12).eval()
    network.update()
    assert not found["statistics"]
    assert found["quantile"] == norm.ppf(5e-10)
    assert found["strings"] == [string.hex() for [string] in network.compress(torch.rand(1, 3, 64, 64))["strings"]]


def test_no_effect_where_compressai_is_there() -> None:
    before = list(sys.meta_path)
    lazy_compressai.install_lazy_imports()
    assert sys.meta_path == before
    assert compressai.datasets.ImageFolder
