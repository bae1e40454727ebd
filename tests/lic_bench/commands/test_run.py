import json
import os
import pty
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

from lic_bench import cli
from lic_bench.store.run_folder import Run

PLUGINS = Path(__file__).parents[2] / "plugins"


@pytest.fixture
def run_arguments(images: Path, tmp_path: Path, fake_codecs: None) -> list[object]:
    where = ["--datasets", images, "--out", tmp_path / "run", "--device", "cpu", "--measure", "quality"]
    return ["run", "--codecs", "fake", *where]


def test_a_run_and_its_summary(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], run_arguments: list[object]
) -> None:
    assert exit_code(*run_arguments) == cli.OK
    out = capsys.readouterr().out
    assert "[9/9]" in out
    assert "24.000" in out  # bpp: a byte for each of three values a pixel
    assert "Next: lic-bench report" in out


def test_failed_records_give_exit_code_1_and_say_so(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], run_arguments: list[object]
) -> None:
    arguments = ["broken" if a == "fake" else a for a in run_arguments]
    assert exit_code(*arguments, "--qualities", "1") == cli.FAILED
    assert "3 records failed, the first: broken quality 1" in capsys.readouterr().err
    assert exit_code(*arguments, "--qualities", "1") == cli.FAILED  # nothing new, and still failed
    assert "3 records failed" in capsys.readouterr().err


def test_pictures_that_cannot_be_read_are_failed_records_of_a_run_that_can(
    exit_code: Callable[..., int], images: Path, tmp_path: Path, run_arguments: list[object]
) -> None:
    (images / "empty.png").touch()
    (images / "page.png").write_text("<!doctype html><title>Sign in</title>")
    (images / "pointer.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    (images / "gone.png").symlink_to(tmp_path / "nowhere.png")
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", crc32(header))
    (images / "huge.png").write_bytes(huge)
    for _ in ("measured", "gone on with"):
        assert exit_code(*run_arguments) == cli.FAILED
    records = Run(tmp_path / "run").records
    assert records.groupby("image").status.first().to_dict() == {
        **dict.fromkeys(["empty.png", "page.png", "pointer.png", "gone.png", "huge.png"], "failed"),
        **dict.fromkeys(["image0.png", "image1.png", "image2.png"], "ok"),
    }
    assert len(records) == 3 * 8
    report = ["--published", "none", "--reference", "none", "--anchor", "fake", "--out", tmp_path / "report"]
    assert exit_code("report", tmp_path / "run", *report) == cli.OK


BAD = {
    "codec": (["--codecs", "jpg"], "Did you mean 'jpeg'?"),
    "data set": (["--datasets", "kodack"], "Did you mean 'kodak'?"),
    "folder": (["--datasets", "/nonexistent/pictures"], "/nonexistent/pictures"),
    "quality": (["--qualities", "77"], "allowed: 0..8"),
    "device": (["--device", "gpu"], "Known: auto, cpu, cuda"),
    "part": (["--measure", "time"], "Known: "),
    "out": (["--out", "/proc/run"], "choose another --out"),
    "checkpoints": (["--checkpoints", "/nonexistent"], "no such folder"),
    "weights mode": (["--weights", "best"], "Known: auto, random, require"),
    "weights": (["--codecs", "lalic", "--weights", "require"], "lalic-mse-q1.pth"),
    "plugin": (["--plugin", "/nonexistent"], "no codec.py there"),
    "budget": (["--budget", "inf"], "--budget inf: a number of seconds above 0"),
    "jobs": (["--jobs", "0"], "--jobs 0: at least 1"),
    "jobs beside times": (["--jobs", "2", "--measure", "latency"], "times and memory are taken one at a time"),
    "colour": (["--vtm-colour", "rgb"], "--vtm-colour rgb: no codec of --codecs"),
    "colour path": (["--codecs", "vtm", "--vtm-colour", "yuv"], "Allowed: ycbcr8, ycbcr10, rgb, ycbcr8-truncated"),
    "programs": (["--codecs", "vtm", "--vtm-root", "/nonexistent"], "EncoderAppStatic is not in /nonexistent"),
    "number": (["--limit", "x"], "See `lic-bench run --help`."),
    "option": (["--limits", "3"], "See `lic-bench run --help`."),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_code_2(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], run_arguments: list[object], case: str
) -> None:
    extra, message = BAD[case]
    assert exit_code(*run_arguments, *extra) == cli.BAD_INPUT
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("lic-bench: ")
    assert len(captured.err.strip().splitlines()) == 1
    assert "Traceback" not in captured.err + captured.out


def test_ctrl_c_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch,
    exit_code: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    run_arguments: list[object],
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lic_bench.run.session.run", interrupt)
    assert exit_code(*run_arguments) == cli.INTERRUPTED
    assert "the same command goes on" in capsys.readouterr().err


def test_in_a_real_terminal_there_is_a_live_line(images: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lic_bench.cli", "run", "--codecs", "fake", "--datasets", str(images)]
    command += ["--plugin", str(PLUGINS / "fake"), "--out", str(tmp_path / "run"), "--device", "cpu"]
    command += ["--measure", "quality"]
    leader, follower = pty.openpty()
    environment = os.environ | {"COLUMNS": "100", "TERM": "xterm-256color"}
    child = subprocess.Popen(command, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    screen = b""
    try:
        while block := os.read(leader, 4096):
            screen += block
    except OSError:  # the terminal is gone with the child
        pass
    os.close(leader)
    assert child.wait() == 0
    assert b"fake b2 pictures/image0" in screen
    assert b"images/s, ETA" in screen


def test_quiet_prints_nothing_and_json_nothing_else(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], run_arguments: list[object]
) -> None:
    assert exit_code(*run_arguments, "--quiet", "--qualities", "4") == cli.OK
    assert capsys.readouterr() == ("", "")
    assert exit_code(*run_arguments, "--json", "--qualities", "4") == cli.OK
    (point,) = json.loads(capsys.readouterr().out)
    assert (point["codec"], point["quality"], point["images"], point["bpp"]) == ("fake", 4, 3, 24)
    assert exit_code(*run_arguments, "--qualities", "4") == cli.OK
    assert "Next: lic-bench report" in capsys.readouterr().out


def test_a_dry_run_is_a_table_and_leaves_no_folder(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], run_arguments: list[object], tmp_path: Path
) -> None:
    assert exit_code(*run_arguments, "--dry-run") == cli.OK
    assert "9 jobs to do; no times are known of fake" in capsys.readouterr().out
    assert exit_code(*run_arguments, "--dry-run", "--json") == cli.OK
    plan = json.loads(capsys.readouterr().out)
    assert plan["codecs"] == [
        {"codec": "fake", "qualities": [2, 4, 6], "weights": {}, "jobs": 9, "stored": 0, "seconds": None}
    ]
    assert not (tmp_path / "run").exists()


def test_a_dry_run_of_what_cannot_begin_ends_as_bad_input(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], run_arguments: list[object], tmp_path: Path
) -> None:
    assert exit_code(*run_arguments, "--dry-run", "--datasets", tmp_path / "nowhere") == cli.BAD_INPUT
    captured = capsys.readouterr()
    assert "0 jobs to do" in captured.out
    assert "nowhere" in captured.err
    assert captured.err.rstrip().endswith("The run would not begin.")
