import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lic_bench import cli


def test_fetch_from_a_server_on_loopback(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path, shared: Path
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(shared / "data/kodak"))
    handler.log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert exit_code("fetch", "kodak", "--data-root", tmp_path, "--url", url) == cli.OK
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


def zipped(content: bytes) -> bytes:
    """A zip archive, as torch.save writes one."""
    with zipfile.ZipFile(out := io.BytesIO(), "w") as pack:
        pack.writestr("archive/data/0", content)
    return out.getvalue()


WEIGHTS = zipped(bytes(2000))


def test_fetch_weights_says_what_came_and_what_is_left_to_hands(
    web,
    exit_code: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    fetch_arguments: list[object],
) -> None:
    web.replies["/q1.pth"] = web.Reply(WEIGHTS)
    assert exit_code(*fetch_arguments) == cli.OK
    place = tmp_path / "w/shown"
    assert capsys.readouterr().out.splitlines() == [
        f"shown/q1.pth: {len(WEIGHTS)} bytes",
        f"shown: 1 downloaded, 0 there already, 1 to be put in place by hand; in {place}",
        f"shown: by hand: q2.pth from https://github.com/example/weights; into {place}",
    ]
    assert (place / "q1.pth").read_bytes() == WEIGHTS


def test_fetch_weights_ends_with_2_if_a_file_could_not_be_had(
    web, exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], fetch_arguments: list[object]
) -> None:
    web.replies["/q1.pth"] = web.Reply(b"short")
    assert exit_code(*fetch_arguments) == cli.BAD_INPUT
    said = capsys.readouterr()
    first, last = said.err.splitlines()
    assert first.startswith("shown/q1.pth: ")
    assert "5 bytes, too few" in first
    assert last == "lic-bench: 1 of 2 files could not be had, see above."
    assert "1 to be put in place by hand, 1 failed" in said.out


def test_fetch_weights_from_a_mirror(
    web, exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], fetch_arguments: list[object]
) -> None:
    web.replies = {f"/m/shown/q{n}.pth": web.Reply(zipped(bytes([n]) * 1996)) for n in (1, 2)}
    assert exit_code(*fetch_arguments, "--url", f"{web.url}/m") == cli.OK
    assert "shown: 2 downloaded, 0 there already; in " in capsys.readouterr().out


def test_fetch_weights_ends_with_2_if_there_is_nothing_to_download(
    web,
    exit_code: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    learned_plugin: Path,
    fetch_arguments: list[object],
) -> None:
    code = learned_plugin / "codec.py"
    code.write_text(code.read_text().replace(f"{web.url}/q1.pth", "https://pan.baidu.com/s/1abc"))
    assert exit_code(*fetch_arguments) == cli.BAD_INPUT
    said = capsys.readouterr()
    assert "by hand: q1.pth from https://pan.baidu.com/s/1abc; q2.pth from https://github.com/" in said.out
    assert said.err.startswith("lic-bench: nothing can be downloaded: the 2 files above have no address of their own")
    assert len(said.err.splitlines()) == 1


BAD_FETCH = {
    "no codecs": (
        ["weights"],
        "--codecs is missing; name some, with commas; there are (files): dcae (6), dcae-msssim (6)",
    ),
    "codec": (["weights", "--codecs", "lallic"], "Did you mean 'lalic'?"),
    "data root": (["weights", "--codecs", "lalic", "--data-root", "x"], "weights go to --checkpoints"),
    "codecs of data": (["kodak", "--codecs", "lalic"], "not for 'kodak'"),
    "name": (["weight"], "Did you mean 'weights'?"),
}


@pytest.mark.parametrize("case", BAD_FETCH)
def test_fetching_what_cannot_be_is_one_line_and_exit_code_2(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], case: str
) -> None:
    arguments, message = BAD_FETCH[case]
    assert exit_code("fetch", *arguments) == cli.BAD_INPUT
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("lic-bench: ")
    assert len(said.splitlines()) == 1
