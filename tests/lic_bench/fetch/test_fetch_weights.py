"""Weights from a real server on this machine: files, a Drive that asks back, mirrors, changes, and work for hands."""

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lic_bench.codecs import registry
from lic_bench.codecs.checkpoints import LOCK, check_sha256, read_lock, write_lock
from lic_bench.errors import UserError
from lic_bench.fetch.fetch_weights import fetch_weights, not_weights
from lic_bench.fetch.weights_outcome import shortfall, summary
from lic_bench.fetch.weights_sources import direct_url
from lic_bench.spec import Checkpoint, CodecSpec


def zipped(data: bytes) -> bytes:
    """A zip archive, as torch.save writes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr("w/data.pkl", data)
    return out.getvalue()


ONE, TWO = (zipped(np.random.default_rng(seed).bytes(199_882)) for seed in (1, 2))
ID = "1aB-cD_eF234567890"
DRIVE_LINK = f"https://drive.google.com/file/d/{ID}/view?usp=sharing"
DRIVE_ASKED = f"/uc?export=download&id={ID}"
REPOSITORY = "https://github.com/example/weights"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LIC_BENCH_CHECKPOINTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(registry, "_plugins", {})


def codec(*checkpoints: Checkpoint, name: str = "net") -> CodecSpec:
    """A learned codec with these checkpoints at quality 1, 2, ..., known to the registry for one test."""
    spec = CodecSpec(
        name=name,
        label=name,
        kind="learned",
        load="nowhere:build",
        qualities=tuple(range(1, len(checkpoints) + 1)) or (1,),
        checkpoints=dict(enumerate(checkpoints, start=1)),
    )
    registry._plugins[name] = spec
    return spec


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("https://github.com/o/r/releases/download/v1/q1.pth", True),
        ("https://github.com/o/r/releases/download/v1/weights", True),
        ("https://github.com/o/r/raw/main/q1.pth.tar", True),
        ("https://huggingface.co/o/r/resolve/main/q1.bin?download=true", True),
        ("http://host/a%20b/Q1.PTH", True),
        ("https://github.com/o/r/blob/main/q1.pth", False),
        ("https://huggingface.co/o/r/blob/main/q1.pth", False),
        (REPOSITORY, False),
        ("https://github.com/o/r/releases/tag/v1", False),
        (f"https://drive.google.com/drive/folders/{ID}", False),
        ("https://pan.baidu.com/s/1abc?pwd=1234", False),
        ("https://1drv.ms/u/s!abc", False),
        ("https://x-my.sharepoint.com/:u:/g/personal/q1.pth", False),
        ("https://www.dropbox.com/s/abc/q1.pth?dl=0", False),
        ("ftp://host/q1.pth", False),
        ("", False),
        (None, False),
    ],
)
def test_files_are_told_from_pages(url: str | None, direct: bool) -> None:
    assert direct_url(url) == (url if direct else None)


@pytest.mark.parametrize("path", [f"file/d/{ID}/view", f"uc?id={ID}", f"open?id={ID}"])
def test_a_drive_link_becomes_the_address_that_gives_the_file(path: str) -> None:
    assert direct_url(f"https://drive.google.com/{path}") == f"https://drive.google.com/uc?export=download&id={ID}"


def test_files_come_once_and_are_noted(web, tmp_path: Path) -> None:
    web.replies = {"/a.pth": web.Reply(ONE), "/b.pth": web.Reply(TWO)}
    known = Checkpoint(file="b.pth", url=f"{web.url}/b.pth", sha256=sha(TWO))
    codec(Checkpoint(file="a.pth", url=f"{web.url}/a.pth"), known)
    seen = []
    (outcome,) = fetch_weights("net", tmp_path / "w", progress=lambda *row: seen.append(row))
    assert summary(outcome) == [f"net: 2 downloaded, 0 there already; in {tmp_path / 'w/net'}"]
    assert shortfall([outcome]) is None
    assert files_in(tmp_path / "w") == ["net/a.pth", "net/b.pth", LOCK]
    assert (tmp_path / "w/net/a.pth").read_bytes() == ONE
    entry = read_lock(tmp_path / "w")["net/a.pth"]
    assert (entry.sha256, entry.url, entry.size) == (sha(ONE), f"{web.url}/a.pth", len(ONE))
    assert ("net/b.pth", len(TWO), len(TWO)) in seen
    (outcome,) = fetch_weights("net", tmp_path / "w")
    assert summary(outcome) == [f"net: 0 downloaded, 2 there already; in {tmp_path / 'w/net'}"]
    assert web.asked() == ["/a.pth", "/b.pth"]


def test_a_broken_download_goes_on_where_it_broke(web, tmp_path: Path) -> None:
    web.replies["/a.pth"] = web.Reply(ONE, breaks=[70_000, 30_000])
    codec(Checkpoint(file="a.pth", url=f"{web.url}/a.pth"))
    assert fetch_weights("net", tmp_path)[0].downloaded == 1
    assert [asked for _, asked in web.requests] == [None, "bytes=70000-", "bytes=100000-"]
    assert (tmp_path / "net/a.pth").read_bytes() == ONE


def drive_page(uuid: str) -> bytes:
    inputs = {"id": ID, "export": "download", "confirm": "t", "uuid": uuid}
    hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in inputs.items())
    return f'<html><form id="download-form" action="/download" method="get">{hidden}</form></html>'.encode()


def test_drive_is_asked_to_go_on_and_a_later_call_resumes_at_another_address(web, tmp_path: Path) -> None:
    web.replies[DRIVE_ASKED] = web.Reply(drive_page("first"), "text/html")
    web.replies["/download"] = web.Reply(ONE, breaks=[200_000, 60_000, 0, 0, 0, 0])  # the first is only looked at
    codec(Checkpoint(file="a.pth", url=DRIVE_LINK))
    (outcome,) = fetch_weights("net", tmp_path, drive=web.url)
    assert "broke after 60000 of 200000 bytes (5 attempts)" in outcome.errors[0]
    web.replies[DRIVE_ASKED] = web.Reply(drive_page("second"), "text/html")
    assert fetch_weights("net", tmp_path, drive=web.url)[0].downloaded == 1
    assert web.requests[-1] == (f"/download?id={ID}&export=download&confirm=t&uuid=second", "bytes=60000-")
    assert (tmp_path / "net/a.pth").read_bytes() == ONE
    assert read_lock(tmp_path)["net/a.pth"].url == direct_url(DRIVE_LINK)


def test_a_used_up_quota_is_said_and_the_other_files_still_come(web, tmp_path: Path) -> None:
    web.replies[DRIVE_ASKED] = web.Reply(b"<html><title>Google Drive - Quota exceeded</title></html>", "text/html")
    web.replies["/b.pth"] = web.Reply(TWO)
    codec(Checkpoint(file="a.pth", url=DRIVE_LINK), Checkpoint(file="b.pth", url=f"{web.url}/b.pth"))
    (outcome,) = fetch_weights("net", tmp_path, drive=web.url)
    assert summary(outcome) == [f"net: 1 downloaded, 0 there already, 1 failed; in {tmp_path / 'net'}"]
    (error,) = outcome.errors
    assert error.startswith("net/a.pth: Google Drive's quota for this file is used up")
    assert str(tmp_path / "net/a.pth") in error
    assert shortfall([outcome]) == "1 of 2 files could not be had, see above."


def test_another_file_than_the_first_is_refused_until_the_entry_is_removed(web, tmp_path: Path) -> None:
    web.replies["/a.pth"] = web.Reply(ONE)
    codec(Checkpoint(file="a.pth", url=f"{web.url}/a.pth"))
    fetch_weights("net", tmp_path)
    (tmp_path / "net/a.pth").unlink()
    web.replies["/a.pth"] = web.Reply(TWO)
    (outcome,) = fetch_weights("net", tmp_path)
    assert outcome.errors[0].endswith(f"remove 'net/a.pth' from {tmp_path / LOCK} to accept the new file.")
    assert f"has changed: sha256 {sha(TWO)[:12]}" in outcome.errors[0]
    assert files_in(tmp_path) == [LOCK]
    write_lock(tmp_path, {})
    assert fetch_weights("net", tmp_path)[0].downloaded == 1
    assert read_lock(tmp_path)["net/a.pth"].sha256 == sha(TWO)


def test_a_file_that_changed_on_disk_is_refused_here_and_by_runs(web, tmp_path: Path) -> None:
    web.replies["/a.pth"] = web.Reply(ONE)
    spec = codec(Checkpoint(file="a.pth", url=f"{web.url}/a.pth"))
    fetch_weights("net", tmp_path)
    check_sha256(spec, 1, tmp_path / "net/a.pth")
    (tmp_path / "net/a.pth").write_bytes(TWO)
    (tmp_path / "a.pth").write_bytes(TWO)
    for file in (tmp_path / "net/a.pth", tmp_path / "a.pth"):
        with pytest.raises(UserError, match=rf"has changed: sha256 {sha(TWO)[:12]}.* had {sha(ONE)[:12]}.*to keep it"):
            check_sha256(spec, 1, file)
    (outcome,) = fetch_weights("net", tmp_path)
    assert (outcome.kept, len(outcome.errors)) == (0, 1)
    assert (tmp_path / "net/a.pth").read_bytes() == TWO


def test_the_hash_in_spec_comes_before_the_lock(web, tmp_path: Path) -> None:
    web.replies["/a.pth"] = web.Reply(ONE)
    first = Checkpoint(file="a.pth", url=f"{web.url}/a.pth")
    codec(first)
    fetch_weights("net", tmp_path)
    web.replies["/a.pth"] = web.Reply(TWO)
    codec(replace(first, sha256=sha(TWO)))
    (outcome,) = fetch_weights("net", tmp_path)
    assert "is not the released file" in outcome.errors[0]
    (tmp_path / "net/a.pth").unlink()
    assert fetch_weights("net", tmp_path)[0].downloaded == 1
    assert read_lock(tmp_path)["net/a.pth"].sha256 == sha(TWO)
    (tmp_path / "net/a.pth").unlink()
    codec(replace(first, sha256=sha(ONE)))
    (outcome,) = fetch_weights("net", tmp_path)
    assert f"gave another file (sha256 {sha(TWO)[:12]}..., expected {sha(ONE)[:12]}...)" in outcome.errors[0]
    assert "lock" not in outcome.errors[0]


def test_codecs_without_addresses_leave_work_for_hands(tmp_path: Path) -> None:
    names = [Checkpoint(file=f"q{q}.pth", url=REPOSITORY) for q in (1, 2)]
    codec(*names, Checkpoint(file="q3.pth"))
    (outcome,) = fetch_weights("net", tmp_path)
    place = tmp_path / "net"
    assert summary(outcome) == [
        f"net: 0 downloaded, 0 there already, 3 to be put in place by hand; in {place}",
        f"net: by hand: q1.pth, q2.pth from {REPOSITORY}; q3.pth from the authors; into {place}",
    ]
    assert shortfall([outcome]).startswith("nothing can be downloaded: the 3 files above")
    place.mkdir()
    for number in (1, 2, 3):
        (place / f"q{number}.pth").write_bytes(ONE)
    (outcome,) = fetch_weights("net", tmp_path)
    assert (outcome.kept, outcome.by_hand_count, shortfall([outcome])) == (3, 0, None)
    assert not (tmp_path / LOCK).exists()


def test_work_for_hands_is_no_failure_where_other_files_come(web, tmp_path: Path) -> None:
    web.replies["/a.pth"] = web.Reply(ONE)
    codec(Checkpoint(file="a.pth", url=f"{web.url}/a.pth"))
    codec(Checkpoint(file="q1.pth", url=REPOSITORY), name="shy")
    for _ in range(2):  # the second time all that can be downloaded is there
        outcomes = fetch_weights("net,shy", tmp_path)
        assert [outcome.by_hand_count for outcome in outcomes] == [0, 1]
        assert shortfall(outcomes) is None


def test_one_failing_codec_does_not_stop_the_next(web, tmp_path: Path) -> None:
    web.replies["/b.pth"] = web.Reply(TWO)
    codec(Checkpoint(file="a.pth", url=f"{web.url}/gone.pth"))
    codec(Checkpoint(file="b.pth", url=f"{web.url}/b.pth"), name="other")
    outcomes = fetch_weights("net,other", tmp_path)
    assert [(outcome.downloaded, len(outcome.errors)) for outcome in outcomes] == [(0, 1), (1, 0)]
    assert "answers 404 Not Found" in outcomes[0].errors[0]


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"x" * 1023, "application/octet-stream", "gave 1023 bytes, too few"),
        (b"<!DOCTYPE html>" + b"x" * 5000, "application/octet-stream", "gave a web page"),
        (b"x" * 5000, "text/html", "is a web page, not the file"),
    ],
)
def test_what_cannot_be_weights_is_not_kept(web, tmp_path: Path, body: bytes, content_type: str, message: str) -> None:
    web.replies["/a.pth"] = web.Reply(body, content_type)
    codec(Checkpoint(file="a.pth", url=f"{web.url}/a.pth"))
    (outcome,) = fetch_weights("net", tmp_path)
    assert message in outcome.errors[0]
    assert files_in(tmp_path) == []


def test_a_mirror_stands_in_for_every_address(web, tmp_path: Path) -> None:
    web.replies = {"/m/net/a%20b.pth": web.Reply(ONE), "/m/net/q1.pth": web.Reply(TWO)}
    codec(Checkpoint(file="a b.pth", url=DRIVE_LINK), Checkpoint(file="q1.pth", url=REPOSITORY))
    (outcome,) = fetch_weights("net", tmp_path, f"{web.url}/m/")
    assert (outcome.downloaded, outcome.errors) == (2, [])
    assert files_in(tmp_path) == ["net/a b.pth", "net/q1.pth", LOCK]


def test_a_mirror_with_another_file_is_refused_by_the_lock(web, tmp_path: Path) -> None:
    web.replies = {"/a.pth": web.Reply(ONE), "/m/net/a.pth": web.Reply(TWO)}
    codec(Checkpoint(file="a.pth", url=f"{web.url}/a.pth"))
    fetch_weights("net", tmp_path)
    (tmp_path / "net/a.pth").unlink()
    assert f"{web.url}/m/net/a.pth has changed" in fetch_weights("net", tmp_path, f"{web.url}/m")[0].errors[0]


def test_without_a_folder_the_named_one_takes_the_files_and_the_cache_counts(
    web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.replies = {"/a.pth": web.Reply(ONE), "/b.pth": web.Reply(TWO)}
    codec(Checkpoint(file="a.pth", url=f"{web.url}/a.pth"), Checkpoint(file="b.pth", url=f"{web.url}/b.pth"))
    fetch_weights("net")
    cache = tmp_path / "cache/lic-bench/checkpoints"
    assert files_in(cache) == ["net/a.pth", "net/b.pth", LOCK]
    (cache / "net/b.pth").unlink()
    monkeypatch.setenv("LIC_BENCH_CHECKPOINTS", str(tmp_path / "named"))
    (outcome,) = fetch_weights("net")
    assert (outcome.downloaded, outcome.kept) == (1, 1)
    assert files_in(tmp_path / "named") == ["net/b.pth", LOCK]


def test_codecs_without_weights_say_so(tmp_path: Path) -> None:
    codec()
    outcomes = fetch_weights("net,jpeg", tmp_path)
    assert [summary(o) for o in outcomes] == [[f"{n}: there are no weights to fetch"] for n in ("net", "jpeg")]
    assert shortfall(outcomes) is None


def test_what_cannot_begin_is_said(tmp_path: Path) -> None:
    codec(Checkpoint(file="a.pth"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Did you mean 'lalic'"):
        fetch_weights("net,lallic", tmp_path)
    with pytest.raises(UserError, match=r"--url ftp://host/x: allowed are http"):
        fetch_weights("net", tmp_path, "ftp://host/x")
    with pytest.raises(UserError, match="choose another --checkpoints"):
        fetch_weights("net", tmp_path / "file")
    (tmp_path / LOCK).write_text("{")
    codec(Checkpoint(file="a.pth", url="http://127.0.0.1:9/a.pth"))
    assert "is damaged" in fetch_weights("net", tmp_path)[0].errors[0]


def test_it_needs_no_torch() -> None:
    code = "import sys, lic_bench.fetch.fetch_weights; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": "quota"}',
        b"<?xml version='1.0'?><Error/>",
        b"\xef\xbb\xbf<html>",
        b"version https://git-lfs.github.com",
    ],
    ids=["json", "xml", "page", "pointer"],
)
def test_what_is_no_weights_file_is_never_believed(web, tmp_path: Path, content: bytes) -> None:
    codec(Checkpoint(file="g.pth", url=f"{web.url}/g.pth"))
    web.replies = {"/g.pth": web.Reply(content.ljust(5000))}
    (outcome,) = fetch_weights("net", tmp_path)
    assert "no PyTorch file" in outcome.errors[0]
    web.replies = {"/g.pth": web.Reply(ONE)}
    assert fetch_weights("net", tmp_path)[0].downloaded == 1


@pytest.mark.parametrize(
    "beginning", [zipped(bytes(3000)), b"\x80\x02", b"\0" * 257 + b"ustar"], ids=["zip", "pickle", "tar"]
)
def test_all_that_torch_ever_saved_is_taken(tmp_path: Path, beginning: bytes) -> None:
    (tmp_path / "weights").write_bytes(beginning)
    assert not_weights(tmp_path / "weights") is None


@pytest.mark.parametrize("damaged", [ONE[:-40], ONE[:1000] + b"?" + ONE[1001:]], ids=["cut off", "changed"])
def test_a_damaged_zip_is_not_believed(web, tmp_path: Path, damaged: bytes) -> None:
    codec(Checkpoint(file="g.pth", url=f"{web.url}/g.pth"))
    web.replies = {"/g.pth": web.Reply(damaged)}
    (outcome,) = fetch_weights("net", tmp_path)
    assert re.search("gave a file that is (only the beginning of a zip|damaged)", outcome.errors[0])
    web.replies = {"/g.pth": web.Reply(ONE)}
    assert fetch_weights("net", tmp_path)[0].downloaded == 1


@pytest.mark.parametrize("file", ["../up.pth", "/abs.pth", "a/b.pth", "..", "", "a\\b"])
def test_a_checkpoint_is_a_file_name_without_folders(file: str) -> None:
    with pytest.raises(UserError, match="allowed is the name of a file"):
        Checkpoint(file=file)
