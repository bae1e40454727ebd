"""What README shows works as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from compressai.models import MeanScaleHyperprior

from lic_bench.store.run_folder import Run

README = (Path(__file__).parent.parent / "README.md").read_text()
OWN = README.partition("\n## A codec of your own\n")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^lic-bench (run .*)$", OWN, re.M)
CODECS = [{"my_models:small", "compressai.zoo:mbt2018_mean", "jpeg"}, {"my-hyperprior"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the section on own codecs shows; each begins with its path."""
    for path, code in re.findall(r"```python\n# (\S+\.py)\n(.*?)```", OWN, re.S):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code)
    return tmp_path


def lic_bench(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "lic_bench.cli", *words, "--device", "cpu"]
    python = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=python, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_codec_of_your_own(images: Path, folder: Path) -> None:
    words = ["--codecs", "gif", "--plugin", "my_codec", "--datasets", str(images), "--out", "run"]
    lic_bench(folder, "run", *words, "--measure", "quality")
    frame = Run(folder / "run").records
    means = frame.groupby("quality")[["payload_bytes", "mse_8bit"]].mean()
    assert means.payload_bytes.is_monotonic_increasing
    assert means.mse_8bit.is_monotonic_decreasing


@pytest.mark.parametrize(
    ("command", "codecs"),
    list(zip(COMMANDS, CODECS, strict=True)),
    ids=["factories", "folder"],
)
def test_the_commands_for_networks(folder: Path, command: str, codecs: set[str]) -> None:
    lic_bench(folder, *command.split(), "--crop", "64", "--repeats", "1", "--limit", "1", "--measure", "quality")
    frame = Run(folder / command.split()[-1]).records
    assert set(frame.codec) == codecs
    assert set(frame.status) == {"ok"}
    assert set(frame.weights[frame.codec != "jpeg"]) == {"random"}


def test_weights_by_the_names_that_are_said(folder: Path) -> None:
    for name in ("small.pth", "my-hyperprior-q2.pth"):
        torch.save(MeanScaleHyperprior(64, 96).state_dict(), folder / name)
    words = ["--codecs", "my_models:small,my-hyperprior", "--plugin", "my_hyperprior", "--checkpoints", "."]
    words += ["--datasets", "sample", "--crop", "64", "--limit", "1", "--measure", "quality", "--out", "run"]
    lic_bench(folder, "run", *words)
    frame = Run(folder / "run").records.set_index("codec")
    assert dict(frame.quality) == {"my_models:small": 1, "my-hyperprior": 2}
    assert frame.weights.str.fullmatch("[0-9a-f]{64}").all()


def test_its_pictures_files_and_sections_exist() -> None:
    root = Path(__file__).parent.parent
    sections = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", README, re.MULTILINE)}
    for path in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert path.removeprefix("#") in sections if path.startswith("#") else (root / path).exists(), path
    for path in re.findall(r"`((?:tests|benchmarks|results)/[\w/.]+)`", README):
        assert (root / path).exists(), path
