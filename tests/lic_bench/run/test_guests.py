"""Whole runs with codecs that are hard on their process: the others, and what is said of the run, stay as they are."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import torch

from lic_bench.codecs.loading import load_codec, sha256_of_state
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.registry import resolve_codec
from lic_bench.run.options import Options
from lic_bench.run.session import Silent, run
from lic_bench.store.run_folder import Run

PLUGINS = Path(__file__).parents[2] / "plugins"
NETS = """
import os
import signal

import torch
from compressai.models import MeanScaleHyperprior

def end():
    os.kill(os.getpid(), signal.SIGTERM)

torch.rand(3)
if os.environ.get("END") == "imported":
    end()

class Net(MeanScaleHyperprior):
    def __init__(self):
        if os.environ.get("END") == "built":
            end()
        super().__init__(8, 12)

    def update(self, force=False):
        if os.environ.get("END") == "updated":
            end()
        return super().update(force=force)

def importing():
    import drawing
    return Net()
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with nets.py and drawing.py, both of which draw random numbers when they are imported."""
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "drawing.py").write_text("import torch\ntorch.rand(3)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    forget()


def forget() -> None:
    for name in ("nets", "drawing"):
        sys.modules.pop(name, None)


def command(images: Path, codecs: str, *more: object) -> list[str]:
    words = [
        sys.executable,
        "-m",
        "lic_bench.cli",
        "run",
        "--codecs",
        codecs,
        "--datasets",
        str(images),
        "--out",
        "run",
    ]
    return [*words, "--measure", "quality", "--device", "cpu", *map(str, more)]


def test_a_codec_that_meddles_with_its_process_changes_no_other(images: Path, tmp_path: Path) -> None:
    words = command(images, "meddler,jpeg", "--plugin", PLUGINS / "meddler", "--qualities", "jpeg=50", "--no-isolate")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "chatter" not in done.stdout
    assert "chatter" in done.stderr
    options = {"codecs": "jpeg", "qualities": ("50",), "datasets": str(images), "measure": "quality", "device": "cpu"}
    run(Options(**options, out=tmp_path / "alone"), Silent())
    found, alone = Run(tmp_path / "run"), Run(tmp_path / "alone")
    said, expected = found.info, alone.info
    assert (said["config"]["threads"], said["environment"]["threads"]) == (1, 1)
    assert said["environment"]["settings"] == expected["environment"]["settings"]
    assert said["environment"]["variables"]["OMP_NUM_THREADS"] == "1"
    jpeg = found.records[found.records.codec == "jpeg"]
    for name in ("mse_8bit", "bitstream_sha256"):
        assert jpeg[name].tolist() == alone.records[name].tolist()
    meddler = found.records[found.records.codec == "meddler"]
    assert meddler[meddler.quality == 1].status.tolist() == ["ok"] * 3
    for quality, error in (
        (2, "the codec wants to end the process: SystemExit: 0"),
        (3, "compress writes into the image that it is given; it must work on a copy"),
    ):
        assert set(meddler[meddler.quality == quality].error) == {error}


@pytest.mark.parametrize("when", ["imported", "built", "updated"])
def test_sigterm_while_a_network_is_made_is_no_failure_of_the_codec(
    images: Path,
    nets: Path,
    monkeypatch: pytest.MonkeyPatch,
    command_line: Callable[..., tuple[int, str, str]],
    when: str,
) -> None:
    monkeypatch.setenv("END", when)
    assert command_line(*command(images, "nets:Net")[3:]) == (128 + signal.SIGTERM, "", "")
    assert not (nets / "run").exists()


@pytest.mark.parametrize("factory", ["Net", "importing"])
def test_imports_that_draw_random_numbers_change_no_weights(nets: Path, factory: str) -> None:
    spec = resolve_codec(f"nets:{factory}")
    hashes = []
    for _ in range(2):  # both times as in a process of its own, where nothing is imported yet
        forget()
        networks = [cast(NetworkCodec, load_codec(spec, 1, None, torch.device("cpu")).codec).module for _ in range(2)]
        hashes += map(sha256_of_state, networks)
    assert len(set(hashes)) == 1
