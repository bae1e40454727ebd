"""The loss of trained ablations: that of a forward pass, a row for each training, beside the paper's figures."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from lic_bench.codecs.loading import new_network
from lic_bench.codecs.registry import resolve_codec
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import read_image

SCRIPT = Path(__file__).parents[2] / "benchmarks/ablations.py"
LAMBDA = 0.01


def losses(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--dataset", "sample", "--limit", "1", "--trained", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks that were not, but are stored as trained ones are."""
    folder = tmp_path_factory.mktemp("trained")
    for codec, metric in (("lalic-small", "mse"), ("lalic-small-aft", "mse"), ("lalic-small-aft-shift", "ms-ssim")):
        weights = new_network(resolve_codec(codec), 2, None, 0).state_dict()
        content = {"state_dict": weights, "metric": metric, "lmbda": LAMBDA, "steps": 1500}
        torch.save(content, folder / f"{codec}-q2.pth")
    return folder


def test_each_mse_training_has_its_row_beside_the_papers_figures(trained: Path) -> None:
    printed = losses(trained)
    assert printed.returncode == 0, printed.stderr
    rows = {match[1]: match[2] for match in re.finditer(r"(lalic-small\S*) q2 +(.*\S)", printed.stdout)}
    assert rows.keys() == {"lalic-small", "lalic-small-aft"}
    assert re.fullmatch(r"0\.01 +1,500 +\d+\.\d{4} +0\.5657", rows["lalic-small-aft"])
    assert float(rows["lalic-small"].split()[2]) == pytest.approx(forward_loss(), abs=1e-3)


def forward_loss() -> float:
    """lambda * 255^2 * MSE + bpp, by hand."""
    (image,) = find_dataset("sample", limit=1).images
    x = torch.from_numpy(read_image(image)).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        out = new_network(resolve_codec("lalic-small"), 2, None, 0).eval()(x)
    bits = -sum(likelihoods.log2().sum().item() for likelihoods in out["likelihoods"].values())
    return LAMBDA * 255**2 * (out["x_hat"] - x).pow(2).mean().item() + bits / x[0, 0].numel()


def test_a_folder_without_trainings_is_one_line(
    script: Callable[[str], ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    monkeypatch.setattr(sys, "argv", ["ablations.py", "--dataset", "sample", "--trained", str(tmp_path)])
    assert script("ablations").main() == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "holds no training of lalic-small" in printed
