"""Trainings of tiny networks: to their end, killed and gone on with, diverging, on two processes."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from lic_bench.cli import app
from lic_bench.codecs.checkpoints import find_checkpoints
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.training import recipe
from lic_bench.training.options import TrainingOptions
from lic_bench.training.plan import Plan
from lic_bench.training.training_folder import CurvePoint, read_state
from lic_bench.training.training_run import TrainingStopped, train

CODEC = "lalic.model:small"
STEPS = 12
COMMON: dict[str, Any] = {"codec": CODEC, "crop": 64, "batch": 2, "steps": STEPS, "lr": 1e-3, "workers": 0}
ARGUMENTS = [
    *("train", CODEC, "--crop", "64", "--batch", "2", "--steps", str(STEPS), "--lr", "1e-3"),
    *("--workers", "0", "--threads", "1", "--device", "cpu"),
]


class Listener:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[int] = []
        self.points: list[CurvePoint] = []

    def started(self, plan: Plan, done: int) -> None:
        self.notes.append(f"{done} of {plan.steps}")

    def stepped(self, step: int, seconds: float, point: CurvePoint | None) -> None:
        assert seconds > 0
        self.steps.append(step)
        self.points += [point] if point else []

    def note(self, text: str) -> None:
        self.notes.append(text)


def state_dict(path: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return weights


@pytest.fixture(scope="module")
def whole(same_pictures: Path) -> tuple[Path, Listener]:
    """The weights of a training that nothing stopped, and what its listener heard."""
    listener = Listener()
    out = same_pictures.parent / "whole"
    path = train(TrainingOptions(data=same_pictures, out=out, threads=1, **COMMON), listener)
    assert path is not None
    return path, listener


def test_what_a_training_writes(same_pictures: Path, whole: tuple[Path, Listener]) -> None:
    path, listener = whole
    assert listener.steps == list(range(1, STEPS + 1))
    assert [point.step for point in listener.points] == [STEPS]
    file = torch.load(path, weights_only=True)
    assert (file["codec"], file["lmbda"], file["steps"], file["steps_planned"]) == (CODEC, 0.0018, STEPS, STEPS)
    assert len(file["data_sha256"]) == 64
    spec = resolve_codec(CODEC)
    found = find_checkpoints(spec, [path.parent])
    assert found == {1: path}
    codec = load_codec(spec, 1, found[1], torch.device("cpu")).codec
    x = torch.rand(1, 3, 64, 64)
    assert codec.decompress(codec.compress(x)).shape == x.shape
    again = Listener()
    assert train(TrainingOptions(data=same_pictures, out=path.parent, **COMMON), again) == path
    assert again.steps == []


def test_trainings_below_one_folder_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "lalic-aft-q3"
    folder.mkdir()
    (folder / "lalic-aft-q3.pth").touch()
    assert find_checkpoints(resolve_codec("lalic-aft"), [tmp_path]) == {3: folder / "lalic-aft-q3.pth"}


@pytest.mark.slow
def test_killed_at_any_time_it_comes_to_the_same_weights(
    same_pictures: Path, whole: tuple[Path, Listener], tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "lic_bench.cli", *ARGUMENTS, "--data", str(same_pictures), "--out", str(out)]
    with subprocess.Popen([*command, "--save-every", "0"], stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while (not (state := out / "state.pt").exists()) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
    stored = read_state(out)
    assert state.exists()
    assert stored is not None
    assert 0 < stored["step"] < STEPS
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    gone_on = state_dict(out / whole[0].name)
    for name, value in state_dict(whole[0]).items():
        assert torch.equal(value, gone_on[name]), name


def test_a_loss_that_is_not_finite_stops(pictures: Path, tmp_path: Path) -> None:
    options = TrainingOptions(data=pictures, out=tmp_path / "out", save_every=0, **{**COMMON, "lr": 1e30})
    with pytest.raises(
        TrainingStopped, match=r"About step \d+: .* not finite\. The last good weights are those of step 0"
    ):
        train(options, Listener())
    assert read_state(tmp_path / "out") is None  # the weights of the first step were infinite


def test_pictures_that_change_are_noticed(pictures: Path, tmp_path: Path) -> None:
    options = TrainingOptions(data=pictures, out=tmp_path / "out", **COMMON)
    train(options, Listener())
    (pictures / "part0" / "picture0.png").unlink()
    with pytest.raises(UserError, match=r"not the same as at its beginning; .* --allow data"):
        train(options, Listener())


def test_a_training_goes_on_without_a_picture_that_was_removed(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "EPOCHS", (4, 1, 1))
    given: dict[str, Any] = {"data": pictures, "out": tmp_path / "out", **COMMON, "steps": None, "save_every": 5}
    paths = sorted(pictures.rglob("*.png"))
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[:-2000])
    with pytest.raises(TrainingStopped, match="--allow data"):
        train(TrainingOptions(**given), Listener())
    paths[0].unlink()
    listener = Listener()
    path = train(TrainingOptions(**given, allow=["data"]), listener)
    assert path is not None
    facts = torch.load(path, weights_only=True)
    assert (facts["steps"], facts["steps_planned"]) == (18, 18)  # 6 epochs of the five pictures there were
    assert [list(before) for before in facts["earlier"]] == [["data_sha256"]]


def test_weights_of_another_network_are_refused(pictures: Path, whole: tuple[Path, Listener], tmp_path: Path) -> None:
    options = {"data": pictures, "out": tmp_path / "out", "crop": 64, "quality": 1}
    with pytest.raises(UserError, match="holds the weights of another network than 'lalic-small'"):
        train(TrainingOptions(codec="lalic-small", start=whole[0], **options), Listener())
    with pytest.raises(UserError, match="is not there"):
        train(TrainingOptions(codec="lalic-small", start=tmp_path / "none.pth", **options), Listener())
    assert not (tmp_path / "out").exists()


def test_a_picture_that_goes_bad_is_named(pictures: Path, tmp_path: Path) -> None:
    for path in pictures.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:-2000])  # its header is fine
    for workers in (0, 1):
        options = TrainingOptions(data=pictures, out=tmp_path / str(workers), **{**COMMON, "workers": workers})
        with pytest.raises(TrainingStopped, match=r"^/\S+picture\d\.png cannot be decoded .* --allow data\.$"):
            train(options, Listener())


def test_weights_to_begin_with(same_pictures: Path, whole: tuple[Path, Listener], tmp_path: Path) -> None:
    tuned = {**COMMON, "steps": 1, "lr": 1e-30, "start": whole[0]}
    second = train(TrainingOptions(data=same_pictures, out=tmp_path / "second", **tuned), Listener())
    assert second is not None
    found = state_dict(second)
    for name, value in state_dict(whole[0]).items():
        if not name.endswith("quantiles"):
            assert torch.allclose(value, found[name], atol=1e-20), name


@pytest.mark.slow
def test_two_processes_by_torchrun(same_pictures: Path, whole: tuple[Path, Listener], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "lic_bench.cli", *ARGUMENTS, "--data", str(same_pictures), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Weights: ") == 1
    assert torch.load(tmp_path / "out" / "small.pth", weights_only=True)["steps"] == STEPS
    assert [line.split(",")[0] for line in (tmp_path / "out" / "curve.csv").read_text().split()] == ["step", str(STEPS)]
    rows = [(folder / "curve.csv").read_text() for folder in (whole[0].parent, tmp_path / "out")]
    losses = [float(text.split()[1].split(",")[3]) for text in rows]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)  # the same crops, but other noise


def test_the_command_line(pictures: Path, tmp_path: Path) -> None:
    arguments = [*ARGUMENTS, "--data", str(pictures), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app(), arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert f"[{STEPS}/{STEPS}] loss " in result.output
    assert "Next: lic-bench run --codecs lalic.model:small --checkpoints" in result.output
