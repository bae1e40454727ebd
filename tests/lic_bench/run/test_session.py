import hashlib
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lic_bench import load_model
from lic_bench.errors import UserError
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.preparation import prepare_session
from lic_bench.run.session import Outcome, run
from lic_bench.store.records import Record
from lic_bench.store.run_folder import Run

pytestmark = pytest.mark.usefixtures("fake_codecs")


class Silent:
    """A Listener that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.order: list[tuple[str, int, str]] = []
        self.skipped = 0

    def started(self, jobs: Sequence[Job], done: int) -> None:
        self.skipped = done

    def working(self, text: str) -> None: ...

    def job(self, job: Job) -> None:
        self.order.append((job.spec.name, job.quality, job.image.name))

    def record(self, job: Job, record: Record, seconds: float) -> None:
        assert seconds > 0

    def note(self, text: str) -> None:
        self.notes.append(text)


def go(images: Path, out: Path, **changes: object) -> tuple[Outcome, Silent]:
    listener = Silent()
    given = {"codecs": "fake", "datasets": str(images), "out": out, "device": "cpu", "measure": "quality"}
    options = Options(**(given | changes))
    return run(options, listener), listener


def test_rate_and_distortion_are_those_known_by_hand(images: Path, tmp_path: Path) -> None:
    outcome, _ = go(images, tmp_path / "run", measure="all", isolate=False)
    assert (outcome.stored, outcome.failed) == (9, [])
    frame = Run(tmp_path / "run").records
    for row in frame.to_dict("records"):
        pixels = np.asarray(Image.open(images / f"{Path(row['image']).stem}.png")).astype(int)
        kept = pixels >> (8 - row["quality"]) << (8 - row["quality"])
        assert row["mse_8bit"] == ((pixels - kept) ** 2).mean()
        assert row["psnr_db"] == pytest.approx(10 * np.log10(255**2 / row["mse_8bit"]))
        assert row["payload_bytes"] == pixels.size
        assert row["header_bytes"] == 4
        assert (row["height"], row["width"]) == pixels.shape[:2]
        assert row["weights"] is None
        assert len(row["encode_s"]) == len(row["decode_s"]) == len(row["canary_s"]) >= 5
        assert row["decode_max_abs"] == 0
        assert len(row["bitstream_sha256"]) == len(row["image_sha256"]) == 64


def test_codecs_and_qualities_are_interleaved_image_by_image(images: Path, tmp_path: Path) -> None:
    _, listener = go(images, tmp_path / "run", codecs="fake,broken", qualities=["fake=2,4", "broken=1"], limit=2)
    names = [(codec, quality, Path(image).stem) for codec, quality, image in listener.order]
    assert names == [
        ("fake", 2, "image0"),
        ("broken", 1, "image0"),
        ("fake", 2, "image1"),
        ("broken", 1, "image1"),
        ("fake", 4, "image0"),
        ("fake", 4, "image1"),
    ]


def test_the_same_command_resumes_and_doubles_nothing(images: Path, tmp_path: Path) -> None:
    go(images, tmp_path / "run")
    path = tmp_path / "run/records.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]) + lines[4][:50])
    outcome, listener = go(images, tmp_path / "run")
    assert (listener.skipped, outcome.stored) == (4, 5)
    assert len(Run(tmp_path / "run").records) == len(path.read_bytes().splitlines()) == 9
    assert path.read_bytes().startswith(b"".join(lines[:4]))
    assert go(images, tmp_path / "run")[0].stored == 0


def test_a_run_killed_in_mid_measurement_goes_on_where_it_was(images: Path, tmp_path: Path) -> None:
    plugins = Path(__file__).parents[2] / "plugins"
    command = [sys.executable, "-m", "lic_bench.cli", "run", "--codecs", "fake,broken", "--qualities", "fake=2"]
    command += ["--qualities", "broken=6", "--datasets", str(images), "--out", str(tmp_path / "run"), "--device", "cpu"]
    command += ["--plugin", str(plugins / "fake"), "--plugin", str(plugins / "broken"), "--measure", "quality"]
    killed = subprocess.run(command, check=False, capture_output=True, env=os.environ | {"BROKEN_KILLS": "1"})
    assert killed.returncode == -signal.SIGKILL
    records = tmp_path / "run/records.jsonl"
    first = records.read_text()
    assert [json.loads(line)["codec"] for line in first.splitlines()] == ["fake"]
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 0
    assert "resuming: 1 of 6 records are stored" in again.stdout
    assert records.read_text().startswith(first)
    keys = [(r["codec"], r["image"]) for r in map(json.loads, records.read_text().splitlines())]
    assert len(keys) == len(set(keys)) == 6


@pytest.mark.parametrize(
    ("quality", "message"),
    [
        (1, "RuntimeError: the network exploded and a second line"),
        (2, "the codec gives NaN or infinite values"),
        (3, r"decoded size \(1, 3, 16, 25\) is not the image's"),
        (4, "decoder out of sync"),
        (5, "cannot load: OSError: weights are on strike"),
    ],
)
def test_a_failing_codec_is_a_failed_record_and_the_run_goes_on(
    images: Path, tmp_path: Path, quality: int, message: str
) -> None:
    changes = {"codecs": "broken,fake", "qualities": [f"broken={quality}", "fake=4"], "limit": 2}
    outcome, _ = go(images, tmp_path / "run", **changes)
    frame = Run(tmp_path / "run").records
    assert len(outcome.failed) == 2
    assert set(frame[frame.codec == "fake"].status) == {"ok"}
    failed = frame[frame.codec == "broken"]
    assert set(failed.status) == {"failed"}
    assert failed.error.str.fullmatch(f".*{message}.*").all()
    assert "\n" not in failed.error.iloc[0]
    again, _ = go(images, tmp_path / "run", **changes)
    assert (again.stored, len(again.failed)) == (0, 2)  # a resumed run still knows


def test_failed_records_stay_unless_asked_for_again(images: Path, tmp_path: Path) -> None:
    go(images, tmp_path / "run", codecs="broken", qualities=["1"])
    assert go(images, tmp_path / "run", codecs="broken", qualities=["1"])[0].stored == 0
    assert go(images, tmp_path / "run", codecs="broken", qualities=["1"], retry_failed=True)[0].stored == 3
    assert len(Run(tmp_path / "run").records) == 3


def spoil_cmyk(path: Path) -> None:
    Image.new("CMYK", (8, 8)).save(path.with_suffix(".jpg"))


def spoil_16_bit(path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(path)


SPOILT = {
    "truncated": lambda path: path.write_bytes(path.with_name("image0.png").read_bytes()[:200]),
    "no image": lambda path: path.write_bytes(b"hello"),
    "grey": lambda path: Image.new("L", (8, 8)).save(path),
    "alpha": lambda path: Image.new("RGBA", (8, 8)).save(path),
    "palette": lambda path: Image.new("P", (8, 8)).save(path),
    "16 bit": spoil_16_bit,
    "cmyk": spoil_cmyk,
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_bad_image_is_a_failed_record_and_the_run_goes_on(images: Path, tmp_path: Path, kind: str) -> None:
    SPOILT[kind](images / "spoilt.png")
    outcome, _ = go(images, tmp_path / "run", qualities=["4"], measure="quality")
    assert outcome.stored == 4
    (failed,) = outcome.failed
    assert "spoilt" in failed.image
    assert "\n" not in failed.error


def test_one_pixel_is_an_image(tmp_path: Path) -> None:
    folder = tmp_path / "dot"
    folder.mkdir()
    Image.new("RGB", (1, 1), (255, 3, 7)).save(folder / "dot.png")
    outcome, _ = go(folder, tmp_path / "run")
    assert outcome.failed == []


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="none"):
        go(tmp_path / "none", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_another_configuration_needs_another_folder_or_fresh(images: Path, tmp_path: Path) -> None:
    go(images, tmp_path / "run", qualities=["4"])
    with pytest.raises(UserError, match=r"crop was None, now 8; .*--fresh"):
        go(images, tmp_path / "run", qualities=["4"], crop=8)
    outcome, listener = go(images, tmp_path / "run", qualities=["4"], crop=8, fresh=True)
    assert outcome.stored == 3
    assert len(list(tmp_path.glob("run.old-*/records.jsonl"))) == 1
    assert any("run.old-" in note for note in listener.notes)


@pytest.mark.parametrize(
    ("measure", "present", "absent"),
    [
        ("quality", ["psnr_db", "payload_bytes"], ["encode_s", "peak_memory_bytes", "cold_start_s"]),
        ("latency", ["encode_s", "decode_s", "payload_bytes"], ["psnr_db", "ms_ssim", "peak_memory_bytes"]),
        ("memory", ["peak_memory_bytes", "payload_bytes"], ["psnr_db", "encode_s"]),
    ],
)
def test_only_what_was_asked_is_measured(
    images: Path, tmp_path: Path, measure: str, present: list[str], absent: list[str]
) -> None:
    go(images, tmp_path / "run", qualities=["4"], limit=1, measure=measure)
    row = Run(tmp_path / "run").records.to_dict("records")[0]
    assert all(row[name] for name in present)
    assert not any(row[name] for name in absent)


def test_quick_is_small_and_never_the_same_data_set(images: Path, tmp_path: Path) -> None:
    session = prepare_session(Options(codecs="fake", datasets=str(images), out=tmp_path, quick=True, device="cpu"))
    assert session.config.qualities == {"fake": (4,)}
    assert session.config.images == {"pictures@256": 2}
    assert (session.config.crop, session.config.limit, session.config.repeats) == (256, 2, 2)


@pytest.mark.parametrize(("load", "measure", "said"), [(9.9, "latency", 1), (0.1, "latency", 0), (9.9, "quality", 0)])
def test_a_busy_machine_is_said(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: float, measure: str, said: int
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load * (os.cpu_count() or 1), 0.0, 0.0))
    _, listener = go(images, tmp_path / "run", qualities=["4"], limit=1, measure=measure, isolate=False)
    assert sum("this machine is busy" in note for note in listener.notes) == said


def test_run_json_says_with_what_it_was_made(images: Path, tmp_path: Path) -> None:
    go(images, tmp_path / "run", qualities=["4"], measure="quality", threads=1)
    info = json.loads((tmp_path / "run/run.json").read_text())
    assert info["config"]["threads"] == info["environment"]["threads"] == 1
    assert info["environment"]["cpu"] == info["fingerprint"]["cpu"]
    assert info["environment"]["packages"]["torch"] == torch.__version__
    stored = Run(tmp_path / "run").records
    assert info["images"] == {f"pictures/{row.image}": row.image_sha256 for row in stored.itertuples()}


def test_weights_that_are_there_are_used_and_named(images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    path = folder / "lalic-mse-q2.pth"
    torch.save({"state_dict": load_model("lalic").state_dict()}, path)
    changes = {"codecs": "lalic", "checkpoints": folder, "limit": 1, "measure": "quality"}
    outcome, _ = go(images, tmp_path / "run", **changes)
    (row,) = Run(tmp_path / "run").records.to_dict("records")
    assert outcome.failed == []
    assert (row["quality"], row["weights"]) == (2, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(UserError, match=r"Weights of 'lalic' are missing in .*lalic-mse-q5\.pth"):
        go(images, tmp_path / "other", **changes, qualities=["5"])
    path.write_bytes(b"not weights")
    with pytest.raises(UserError, match=r"lalic-mse-q2\.pth .*is no PyTorch state dict"):
        go(images, tmp_path / "other", **changes)
    assert not (tmp_path / "other").exists()


def test_two_data_sets_of_one_name_are_refused(images: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two data sets are called 'pictures'"):
        go(images, tmp_path / "run", datasets=f"{images},{images}/../pictures/.")


def test_images_that_changed_are_another_run(images: Path, tmp_path: Path) -> None:
    go(images, tmp_path / "run", qualities=["4"])
    Image.new("RGB", (24, 16)).save(images / "image1.png")
    with pytest.raises(UserError, match=r"image pictures/image1.png was .*--fresh"):
        go(images, tmp_path / "run", qualities=["4"])


@pytest.mark.parametrize("codec", ["elic-official", "cheng2020-parallel"])
def test_required_weights_that_nobody_released_are_an_error(images: Path, tmp_path: Path, codec: str) -> None:
    with pytest.raises(UserError, match=f"Weights of '{codec}' are missing in .*: none are known for quality 3"):
        go(images, tmp_path / "run", codecs=codec, qualities=["3"], weights="require")


def test_only_processes_of_their_own_can_be_started_again(images: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--starts 2: codecs have no processes .*add --isolate"):
        go(images, tmp_path / "run", starts=2, measure="latency", isolate=False)


@pytest.mark.parametrize("option", ["limit", "crop", "repeats", "starts", "threads"])
def test_counts_start_at_one(images: Path, tmp_path: Path, option: str) -> None:
    with pytest.raises(UserError, match=f"--{option} 0: at least 1"):
        go(images, tmp_path / "run", **{option: 0})


ABOVE = "a number of seconds above 0"


@pytest.mark.parametrize(
    ("timeout", "says"),
    [(0.0, ABOVE), (-1.0, ABOVE), (math.inf, ABOVE), (1e9, "at most 400000 seconds")],
)
def test_a_timeout_that_cannot_be_kept_is_refused(images: Path, tmp_path: Path, timeout: float, says: str) -> None:
    with pytest.raises(UserError, match=rf"^--timeout {re.escape(f'{timeout:g}')}: {says}\.$"):
        go(images, tmp_path / "run", timeout=timeout)
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_at_another_commit_only_if_allowed(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    go(images, out)
    info = json.loads((out / "run.json").read_text())
    info["environment"]["git_commit"] = "0123456789ab"
    (out / "run.json").write_text(json.dumps(info))
    first, *_ = (out / "records.jsonl").read_text().splitlines(keepends=True)
    (out / "records.jsonl").write_text(first)
    with pytest.raises(UserError, match=r"0123456789ab.*--allow commit"):
        go(images, out)
    go(images, out, allow=("commit",))
    assert len(Run(out).commits) == 2
    with pytest.raises(UserError, match=r"Unknown --allow 'comit'. Did you mean 'commit'"):
        go(images, out, allow=("comit",))
