import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lic_bench import cli
from lic_bench.codecs.registry import add_plugin
from lic_bench.run import session

PLUGINS = Path(__file__).parent.parent / "plugins"


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Exit code of `lic-bench arguments`, run in this process."""
    monkeypatch.setattr(sys, "argv", ["lic-bench", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def run_arguments(images: Path, tmp_path: Path, fake_codecs: None) -> list[object]:
    where = ["--datasets", images, "--out", tmp_path / "run", "--device", "cpu", "--measure", "quality"]
    return ["run", "--codecs", "fake", *where]


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


@pytest.fixture
def scale_arguments(tmp_path: Path, fake_codecs: None) -> list[object]:
    add_plugin(PLUGINS / "hungry")
    common = ["--quick", "--repeats", 1, "--no-isolate", "--device", "cpu", "--out", tmp_path / "scale"]
    return ["scale", "--codecs", "hungry", "--qualities", "hungry=20", "--sizes", "16:64", *common]


def test_scaling_says_where_memory_ran_out_and_that_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scale_arguments: list[object], tmp_path: Path
) -> None:
    assert call(monkeypatch, *scale_arguments, "--memory-sizes", 6) == cli.OK
    said = capsys.readouterr()
    assert "FAILED hungry p20 scale/32x32: out of memory" in said.out
    assert "32x32 out of memory" in " ".join(said.out.split())
    assert "failed, the first" not in said.err
    arguments = ["report", tmp_path / "scale", "--out", tmp_path / "report"]
    arguments += ["--reference", "none", "--published", "none"]
    assert call(monkeypatch, *arguments) == cli.OK
    assert "Cost by size of the image" in (tmp_path / "report/index.html").read_text()


def test_scaling_with_a_failure_ends_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scale_arguments: list[object]
) -> None:
    arguments = ["hungry,broken" if a == "hungry" else a for a in scale_arguments]
    assert call(monkeypatch, *arguments, "--qualities", "broken=1") == cli.FAILED
    assert "3 records failed, the first: broken quality 1 scale/16x16" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sizes", "512:256"], "write the smaller side first"),
        (["--memory-sizes", "lots"], "allowed are numbers above 0"),
        (["--qualities", "hungry=10"], "one per codec"),
        (["--repeats", "0"], "--repeats 0: at least 1"),
    ],
)
def test_bad_scaling_options_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scale_arguments: list[object],
    options: list[str],
    said: str,
) -> None:
    assert call(monkeypatch, *scale_arguments, *options) == cli.BAD_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_an_error_of_its_own_is_neither_bad_input_nor_a_regression(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run_arguments: list[object]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(session, "run", broken)
    assert call(monkeypatch, *run_arguments) == cli.BROKEN
    assert "ZeroDivisionError: a mistake" in capsys.readouterr().err


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
    "jobs": (["--jobs", "0"], "--jobs 0: at least 1"),
    "jobs beside times": (["--jobs", "2", "--measure", "latency"], "times and memory are taken one at a time"),
    "colour": (["--vtm-colour", "rgb"], "--vtm-colour rgb: no codec of --codecs"),
    "colour path": (["--codecs", "vtm", "--vtm-colour", "yuv"], "allowed: ycbcr8, ycbcr10, rgb, ycbcr8-truncated"),
    "programs": (["--codecs", "vtm", "--vtm-root", "/nonexistent"], "EncoderAppStatic is not in /nonexistent"),
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


@pytest.fixture
def learned_plugin(web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_codecs: None) -> Iterator[Path]:
    """A codec of one's own with two weights files: one on the server, one on a page for people."""
    folder = tmp_path / "learned_plugin"
    folder.mkdir()
    (folder / "codec.py").write_text(f"""
from lic_bench.spec import Checkpoint, CodecSpec
here = Checkpoint(file="q1.pth", url="{web.url}/q1.pth")
there = Checkpoint(file="q2.pth", url="https://github.com/example/weights")
SPEC = CodecSpec(name="shown", label="Shown", kind="learned", load="nowhere:build", qualities=(1, 2),
                 checkpoints={{1: here, 2: there}})
""")
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield folder
    for name in ("learned_plugin", "learned_plugin.codec"):
        sys.modules.pop(name, None)


@pytest.fixture
def fetch_arguments(learned_plugin: Path, tmp_path: Path) -> list[object]:
    return ["fetch", "weights", "--codecs", "shown", "--checkpoints", tmp_path / "w", "--plugin", learned_plugin]


def test_fetch_weights_says_what_came_and_what_is_left_to_hands(
    web,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    fetch_arguments: list[object],
) -> None:
    web.replies["/q1.pth"] = web.Reply(b"PK\x03\x04".ljust(2000))
    assert call(monkeypatch, *fetch_arguments) == cli.OK
    place = tmp_path / "w/shown"
    assert capsys.readouterr().out.splitlines() == [
        "shown/q1.pth: 2000 bytes",
        f"shown: 1 downloaded, 0 there already, 1 to be put in place by hand; in {place}",
        f"shown: by hand: q2.pth from https://github.com/example/weights; into {place}",
    ]
    assert (place / "q1.pth").read_bytes() == b"PK\x03\x04".ljust(2000)


def test_fetch_weights_ends_with_2_if_a_file_could_not_be_had(
    web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fetch_arguments: list[object]
) -> None:
    web.replies["/q1.pth"] = web.Reply(b"short")
    assert call(monkeypatch, *fetch_arguments) == cli.BAD_INPUT
    said = capsys.readouterr()
    first, last = said.err.splitlines()
    assert first.startswith("shown/q1.pth: ")
    assert "5 bytes, too few" in first
    assert last == "lic-bench: 1 of 2 files could not be had, see above."
    assert "1 to be put in place by hand, 1 failed" in said.out


def test_fetch_weights_from_a_mirror(
    web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fetch_arguments: list[object]
) -> None:
    web.replies = {f"/m/shown/q{n}.pth": web.Reply(b"PK\x03\x04" + bytes([n]) * 1996) for n in (1, 2)}
    assert call(monkeypatch, *fetch_arguments, "--url", f"{web.url}/m") == cli.OK
    assert "shown: 2 downloaded, 0 there already; in " in capsys.readouterr().out


def test_fetch_weights_ends_with_2_if_there_is_nothing_to_download(
    web,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    learned_plugin: Path,
    fetch_arguments: list[object],
) -> None:
    code = learned_plugin / "codec.py"
    code.write_text(code.read_text().replace(f"{web.url}/q1.pth", "https://pan.baidu.com/s/1abc"))
    assert call(monkeypatch, *fetch_arguments) == cli.BAD_INPUT
    said = capsys.readouterr()
    assert "by hand: q1.pth from https://pan.baidu.com/s/1abc; q2.pth from https://github.com/" in said.out
    assert said.err.startswith("lic-bench: nothing can be downloaded: the 2 files above have no address of their own")
    assert len(said.err.splitlines()) == 1


BAD_FETCH = {
    "no codecs": (["weights"], "--codecs is missing"),
    "codec": (["weights", "--codecs", "lallic"], "Did you mean 'lalic'?"),
    "data root": (["weights", "--codecs", "lalic", "--data-root", "x"], "weights go to --checkpoints"),
    "codecs of data": (["kodak", "--codecs", "lalic"], "not for 'kodak'"),
    "name": (["weight"], "Did you mean 'weights'?"),
}


@pytest.mark.parametrize("case", BAD_FETCH)
def test_fetching_what_cannot_be_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    arguments, message = BAD_FETCH[case]
    assert call(monkeypatch, "fetch", *arguments) == cli.BAD_INPUT
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("lic-bench: ")
    assert len(said.splitlines()) == 1


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

    monkeypatch.setattr("lic_bench.run.session.run", interrupt)
    assert call(monkeypatch, *run_arguments) == cli.INTERRUPTED
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
