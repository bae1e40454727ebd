import os
import pty
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lic_bench import cli

PLUGINS = Path(__file__).parent.parent / "plugins"


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Exit code of `lic-bench arguments`, run in this process."""
    monkeypatch.setattr(sys, "argv", ["lic-bench", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def run_arguments(images: Path, tmp_path: Path, fake_codecs: None) -> list[object]:
    return ["run", "--codecs", "fake", "--datasets", images, "--out", tmp_path / "run", "--device", "cpu"]


def test_a_run_and_its_summary(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run_arguments: list[object]
) -> None:
    assert call(monkeypatch, *run_arguments) == cli.OK
    out = capsys.readouterr().out
    assert "[9/9]" in out
    assert "24.000" in out  # bpp: a byte for each of three values a pixel
    assert "Next: lic-bench report" in out


def test_failed_records_give_exit_code_1_and_say_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run_arguments: list[object]
) -> None:
    arguments = ["broken" if a == "fake" else a for a in run_arguments]
    assert call(monkeypatch, *arguments, "--qualities", "1") == cli.FAILED
    assert "3 records failed, the first: broken quality 1" in capsys.readouterr().err
    assert call(monkeypatch, *arguments, "--qualities", "1") == cli.FAILED  # nothing new, and still failed
    assert "3 records failed" in capsys.readouterr().err


BAD = {
    "codec": (["--codecs", "jpg"], "Did you mean 'jpeg'?"),
    "data set": (["--datasets", "kodack"], "Did you mean 'kodak'?"),
    "folder": (["--datasets", "/nonexistent/pictures"], "/nonexistent/pictures"),
    "quality": (["--qualities", "77"], "allowed: 0..8"),
    "device": (["--device", "gpu"], "allowed: auto, cpu, cuda"),
    "part": (["--measure", "time"], "Known: "),
    "out": (["--out", "/proc/run"], "choose another --out"),
    "checkpoints": (["--checkpoints", "/nonexistent"], "no such folder"),
    "weights mode": (["--weights", "best"], "allowed: auto, random, require"),
    "weights": (["--codecs", "lalic", "--weights", "require"], "lalic-mse-q1.pth"),
    "plugin": (["--plugin", "/nonexistent"], "no codec.py there"),
    "number": (["--limit", "x"], "See `lic-bench run --help`."),
    "option": (["--limits", "3"], "See `lic-bench run --help`."),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run_arguments: list[object], case: str
) -> None:
    extra, message = BAD[case]
    assert call(monkeypatch, *run_arguments, *extra) == cli.BAD_INPUT
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("lic-bench: ")
    assert len(captured.err.strip().splitlines()) == 1
    assert "Traceback" not in captured.err + captured.out


@pytest.mark.parametrize("what", ["codecs", "datasets", "published"])
def test_lists(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str) -> None:
    assert call(monkeypatch, "list", what) == cli.OK
    assert {"codecs": "lalic", "datasets": "tecnick", "published": "vtm"}[what] in capsys.readouterr().out


def test_an_unknown_list(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "list", "codec") == cli.BAD_INPUT
    assert "Did you mean 'codecs'?" in capsys.readouterr().err


def test_fetch_from_a_server_on_loopback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, shared: Path
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(shared / "data/kodak"))
    handler.log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert call(monkeypatch, "fetch", "kodak", "--data-root", tmp_path, "--url", url) == cli.OK
        server.shutdown()
    out = capsys.readouterr().out
    assert "kodim24.png: " in out
    assert f"24 images in {tmp_path / 'kodak'}, 24 files downloaded now" in out


def test_doctor_names_what_is_missing_and_its_fix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert call(monkeypatch, "doctor", "--data-root", tmp_path) == cli.OK
    assert "lic-bench fetch kodak" in capsys.readouterr().out


def test_a_missing_argument_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "list") == cli.BAD_INPUT
    said = capsys.readouterr().err.lower()
    assert said == "lic-bench: missing argument 'what'. see `lic-bench list --help`.\n"


def test_without_arguments_there_is_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch) == cli.BAD_INPUT
    assert "doctor" in capsys.readouterr().out


def test_ctrl_c_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run_arguments: list[object]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lic_bench.session.run", interrupt)
    assert call(monkeypatch, *run_arguments) == cli.INTERRUPTED
    assert "the same command goes on" in capsys.readouterr().err


def test_in_a_real_terminal_there_is_a_live_line(images: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lic_bench.cli", "run", "--codecs", "fake", "--datasets", str(images)]
    command += ["--plugin", str(PLUGINS / "fake"), "--out", str(tmp_path / "run"), "--device", "cpu"]
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


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list", "codecs"], ["list", "datasets"], ["list", "published"], ["report", "--help"]]
)
def test_light_commands_do_not_import_torch(arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["lic-bench", *{arguments!r}]
from lic_bench import cli
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.exit(int(any(heavy in sys.modules for heavy in ("torch", "matplotlib", "pandas"))))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
