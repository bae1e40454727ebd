"""python -m lalic.biwkv: the table and the file."""

import json
import subprocess
import time
import weakref
from contextlib import nullcontext

import pytest
import torch

from lalic.biwkv import __main__ as command
from lalic.biwkv import first_call, timing


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
    assert forward["dtype"] == "float32"
    assert report["timings"][3]["bytes_moved"] == 5 * 300 * 16 * 4
    assert forward["limit_s"] == pytest.approx(forward["bytes_moved"] / report["machine"]["copy_bytes_per_s"])
    printed = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 100 for line in printed if "/" not in line)
    assert f"{forward['median_s'] * 1e3:.4f}" in printed[-4]


@pytest.mark.usefixtures("_small")
def test_rows_of_several_types(tmp_path):
    assert command.main(["--device", "cpu", "--dtype", "float64", "bfloat16", "--into", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("*/biwkv.json")
    rows = [(t["dtype"], t["backend"], t["bytes_moved"]) for t in json.loads(file.read_text())["timings"]]
    size = 300 * 16
    assert rows == [("float64", name, 8 * n * size) for name in ("torch", "cpu") for n in (3, 5)] + [
        ("bfloat16", "cpu", 2 * n * size) for n in (3, 5)
    ]


@pytest.mark.usefixtures("_small")
def test_the_other_rows_are_there_whatever_fails(tmp_path, capsys, monkeypatch):
    real = command.measure

    def broken(shape, direction, backend, *others):
        if backend == "torch" and direction == "forward":
            raise RuntimeError("CUDA answered no.")
        return real(shape, direction, backend, *others)

    monkeypatch.setattr(command, "measure", broken)
    assert command.main(["--device", "cpu", "--into", str(tmp_path)]) == 1
    (file,) = tmp_path.glob("*/biwkv.json")
    report = json.loads(file.read_text())
    assert len(report["timings"]) == 3
    assert report["failed"] == ["(1, 300, 16) torch forward, torch.float32: CUDA answered no."]
    assert report["failed"][0] in capsys.readouterr().out


def test_first_calls_join_the_report_and_so_does_their_failure(monkeypatch, tmp_path, capsys):
    machine = command.Machine(device="gpu", torch="2", threads=1, copy_bytes_per_s=1.0)
    report = command.Report(tmp_path / "gpu" / "biwkv.json", machine)
    seconds = {"compiled": {"forward": 1.5, "backward": 1.0}, "kept": {"forward": 0.1, "backward": 0.1}}
    monkeypatch.setattr(command, "first_calls", lambda device, dtype: seconds)
    report.add_first_call("float32")
    monkeypatch.setattr(command, "first_calls", lambda *_: subprocess.run(["false"], check=True))
    report.add_first_call("bfloat16")
    stored = json.loads(report.file.read_text())
    assert stored["first_call_s"] == {"float32": seconds}
    assert stored["failed"] == ["first call, bfloat16: Command '['false']' returned non-zero exit status 1."]
    assert "float32 [s]: compiled 1.50 + 1.00; kept 0.10 + 0.10\n" in capsys.readouterr().out


def test_a_row_of_a_gpu_fits_the_table():
    row = timing.Timing(
        shape=(1, 24576, 144), dtype="bfloat16", backend="cuda", direction="backward", median_s=0.0123456, spread=0.5,
        repeats=5, bytes_moved=10**10, limit_s=0.01, warm_s=0.01, eager_s=0.1234567,
    )  # fmt: skip
    header, line = command.HEADER + command.ON_GPU, command._line(row)
    assert len(header) == len(line) <= 100
    assert line.split()[-2:] == ["10.0000", "123.4567"]


@pytest.mark.usefixtures("_small")
def test_the_clock_reads_a_known_time():
    times = timing.samples([lambda: time.sleep(0.01)], torch.device("cpu"))
    assert len(times) == timing.LEAST
    assert min(times) >= 0.01


def test_cold_calls_move_more_than_any_cache_holds():
    for size in (1, 1000, timing.COPIED_BYTES // 3, timing.COPIED_BYTES, 2**40):
        assert timing.sets(size) * size > timing.COPIED_BYTES
    assert timing.sets(2**40) == 1


@pytest.mark.parametrize(("calls", "alive"), [(1, 0), (3, 2)])
def test_a_graph_has_every_call_as_often_and_memory_for_what_it_returns(monkeypatch, calls, alive):
    """Where a result that is dropped gives its memory to the next, so many are kept that each call has its own."""
    monkeypatch.setattr(torch.cuda, "CUDAGraph", type("Graph", (), {"replay": None}))
    monkeypatch.setattr(torch.cuda, "graph", lambda graph: nullcontext())
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    made, seen = [], []

    def call(number):
        seen.append((number, sum(one() is not None for one in made)))
        result = torch.ones(1)
        made.append(weakref.ref(result))
        return result

    timing._graph([lambda number=number: call(number) for number in range(calls)], rounds=4)
    assert [number for number, _ in seen] == list(range(calls)) * 5
    assert {kept for _, kept in seen[2 * calls :]} == {alive}


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    ("tokens", "seconds", "made", "cold", "warm"),
    [(300, 1e-5, 19, 19, 10), (2000, 1e-5, 3, 12, 10), (300, 1e-2, 1, 1, 1)],
)
def test_only_short_calls_of_a_gpu_are_many_and_cold(monkeypatch, tokens, seconds, made, cold, warm):
    """By a clock that gives every run the same time."""
    inputs, graphs = [], []
    monkeypatch.setattr(timing, "_timed", lambda run, device, runs: seconds)
    monkeypatch.setattr(timing, "_call", lambda *what: inputs.append(what) or (lambda: None))
    monkeypatch.setattr(timing, "_graph", lambda calls, rounds: graphs.append(len(calls) * rounds) or (lambda: None))
    found = timing.measure((1, tokens, 16), "forward", "cuda", torch.device("cuda"), torch.float32, 1e9)
    assert (len(inputs), graphs) == (made, [cold, warm])
    assert found.median_s == pytest.approx(seconds / cold)
    assert found.warm_s == pytest.approx(seconds / warm)
    assert found.eager_s == seconds


@pytest.mark.gpu
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("count", [1, 3, 20])
def test_calls_take_turns_on_a_gpu(count):
    counters = [torch.zeros(1, device="cuda") for _ in range(count)]
    times = timing.samples([lambda one=one: one.add_(1) for one in counters], torch.device("cuda"))
    assert len(times) >= timing.LEAST
    assert min(times) > 0
    assert len({one.item() for one in counters}) == 1


def test_first_calls_of_fresh_processes():
    found = first_call.first_calls("cpu", "float32")
    assert list(found) == ["compiled", "kept"]
    for seconds in found.values():
        assert list(seconds) == ["forward", "backward"]
        assert min(seconds.values()) > 0


def test_no_gpu_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stop:
        command.main(["--device", "cuda"])
    assert stop.value.code == 2
    assert "torch finds no CUDA device" in capsys.readouterr().err
