"""python -m lalic.biwkv: the table and the file."""

import json
import time

import pytest
import torch

from lalic.biwkv import __main__ as command
from lalic.biwkv import timing


@pytest.fixture
def _small(monkeypatch):
    monkeypatch.setattr(command, "SHAPES", [(1, 300, 16)])
    monkeypatch.setattr(timing, "BUDGET_S", 0.01)
    monkeypatch.setattr(timing, "COPIED_BYTES", 2**20)


@pytest.mark.usefixtures("_small")
def test_a_line_per_backend_and_pass_and_the_same_figures_as_json(tmp_path, capsys):
    assert command.main(["--device", "cpu", "--into", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("*/biwkv.json")
    assert file.parent.name.startswith("cpu-")
    report = json.loads(file.read_text())
    assert [(t["backend"], t["direction"]) for t in report["timings"]] == [
        (backend, direction) for backend in ("torch", "cpu") for direction in ("forward", "backward")
    ]
    forward = report["timings"][2]
    assert forward["bytes_moved"] == 3 * 300 * 16 * 4
    assert forward["limit_s"] == pytest.approx(forward["bytes_moved"] / report["machine"]["copy_bytes_per_s"])
    printed = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 100 for line in printed if "/" not in line)
    assert f"{forward['median_s'] * 1e3:.3f}" in printed[-4]


@pytest.mark.usefixtures("_small")
def test_the_clock_reads_a_known_time():
    times = timing.samples(lambda: time.sleep(0.01), torch.device("cpu"))
    assert len(times) == timing.LEAST
    assert min(times) >= 0.01


def test_no_gpu_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stop:
        command.main(["--device", "cuda"])
    assert stop.value.code == 2
    assert "torch finds no CUDA device" in capsys.readouterr().err
