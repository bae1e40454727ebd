"""Downloads against a real server on this machine that breaks off, forgets ranges, errs and lies."""

import hashlib
import io
import json
import re
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image as pil

from lic_bench.errors import UserError
from lic_bench.fetch import fetch_datasets, http_requests
from lic_bench.fetch.fetch_datasets import fetch_dataset
from lic_bench.fetch.resumable_download import download
from lic_bench.images import datasets


@dataclass
class Behaviour:
    """What the server does; `requests` is what it was asked: (path, Range header)."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etag: str | None = '"one"'
    break_after: list[int | None] = field(default_factory=list)  # bytes of the body, one entry per request
    statuses: list[int] = field(default_factory=list)  # of the first requests
    content_type: str = "application/octet-stream"
    length: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        b = self.server.behaviour
        asked = self.headers.get("Range")
        b.requests.append((self.path, asked))
        if b.statuses and (status := b.statuses.pop(0)) != 200:
            return self.send_error(status)
        if self.path not in b.files:
            return self.send_error(404)
        body, start = b.files[self.path], 0
        if asked and b.ranges and self.headers.get("If-Range") == b.etag:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(body):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", b.content_type)
        if b.length:
            self.send_header("Content-Length", str(len(body) - start))
        if b.etag:
            self.send_header("ETag", b.etag)
        self.end_headers()
        limit = b.break_after.pop(0) if b.break_after else None
        self.wfile.write(body[start:][:limit])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(http_requests, "PAUSE_S", 0.001)
    monkeypatch.setattr(http_requests, "TIMEOUT_S", 5.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.behaviour = Behaviour()
        http.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


BODY = np.random.default_rng(0).bytes(300_000)
SHA = hashlib.sha256(BODY).hexdigest()


def get(server, tmp_path, sha256=SHA, progress=None):
    return download(f"{server.url}/f.bin", tmp_path / "f.bin", sha256=sha256, progress=progress)


def clean(folder):
    return [p.name for p in folder.iterdir()]


def test_a_file_comes_whole_with_progress_and_leaves_nothing_beside_it(server, tmp_path):
    server.behaviour.files["/f.bin"] = BODY
    seen = []
    assert get(server, tmp_path, progress=lambda *row: seen.append(row)) == SHA
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert clean(tmp_path) == ["f.bin"]
    assert seen[-1] == ("f.bin", len(BODY), len(BODY))
    assert [row[1] for row in seen] == sorted(row[1] for row in seen)


def test_a_broken_connection_is_resumed_where_it_broke(server, tmp_path):
    server.behaviour = Behaviour(files={"/f.bin": BODY}, break_after=[100_000, 50_000])
    get(server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert [r for _, r in server.behaviour.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_resumes_too(server, tmp_path):
    server.behaviour = Behaviour(files={"/f.bin": BODY}, break_after=[60_000] + [0] * 4)
    with pytest.raises(UserError, match=r"broke after 60000 of 300000 bytes \(5 attempts\).*resumes"):
        get(server, tmp_path)
    get(server, tmp_path)
    assert server.behaviour.requests[-1] == ("/f.bin", "bytes=60000-")
    assert (tmp_path / "f.bin").read_bytes() == BODY


@pytest.mark.parametrize("behaviour", [{"ranges": False}, {"etag": None}, {"etag": 'W/"weak"'}])
def test_without_ranges_or_a_mark_it_starts_over(server, tmp_path, behaviour):
    server.behaviour = Behaviour(files={"/f.bin": BODY}, break_after=[100_000], **behaviour)
    get(server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY


def test_a_file_that_changed_meanwhile_is_not_mixed_with_its_older_half(server, tmp_path):
    server.behaviour = Behaviour(files={"/f.bin": BODY[::-1]}, break_after=[100_000] + [0] * 4)
    with pytest.raises(UserError, match="broke"):
        get(server, tmp_path)
    server.behaviour = Behaviour(files={"/f.bin": BODY}, etag='"two"')
    get(server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY


def test_a_server_whose_file_became_shorter_is_asked_anew(server, tmp_path):
    server.behaviour = Behaviour(files={"/f.bin": BODY + BODY}, break_after=[len(BODY)] + [0] * 4)
    with pytest.raises(UserError):
        get(server, tmp_path)
    server.behaviour = Behaviour(files={"/f.bin": BODY})  # the same mark: 416
    assert get(server, tmp_path) == SHA


def test_a_stream_without_length_is_taken(server, tmp_path):
    server.behaviour = Behaviour(files={"/f.bin": BODY}, length=False)
    assert get(server, tmp_path) == SHA


def test_passing_errors_are_tried_again(server, tmp_path):
    server.behaviour = Behaviour(files={"/f.bin": BODY}, statuses=[500, 503, 429])
    get(server, tmp_path)
    assert len(server.behaviour.requests) == 4


def test_lasting_errors_end_in_one_line_with_the_way_out(server, tmp_path):
    server.behaviour = Behaviour(files={"/f.bin": BODY}, statuses=[500] * 5)
    with pytest.raises(UserError, match=r"500 .*\(5 attempts\).*by other means and put it at .*f.bin"):
        get(server, tmp_path)
    with pytest.raises(UserError, match=r"answers 404 Not Found; give another address with --url"):
        download(f"{server.url}/gone", tmp_path / "gone")
    assert len(server.behaviour.requests) == 6
    assert clean(tmp_path) == []


def test_no_server_at_all_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(http_requests, "PAUSE_S", 0.0)
    with pytest.raises(UserError, match=r"Connection refused.*Check the network"):
        download("http://127.0.0.1:9/f.bin", tmp_path / "f.bin")


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_no_data(server, tmp_path, content_type):
    page = b"\n<!DOCTYPE html><html>quota exceeded</html>"
    server.behaviour = Behaviour(files={"/f.bin": page}, content_type=content_type)
    with pytest.raises(UserError, match="a web page"):
        get(server, tmp_path, sha256=None)
    assert clean(tmp_path) == []


def test_wrong_content_is_not_kept(server, tmp_path):
    server.behaviour.files["/f.bin"] = BODY[:-1]
    with pytest.raises(UserError, match=f"gave another file .*expected {SHA[:12]}"):
        get(server, tmp_path)
    assert clean(tmp_path) == []


def png(seed: int) -> bytes:
    file = io.BytesIO()
    pil.fromarray(np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def two(monkeypatch):
    """Data sets of two tiny pictures: kodak with a manifest, clic and tecnick as archives."""
    files = {f"kodim0{n}.png": png(n) for n in (1, 2)}
    pixels = {name: np.array(pil.open(io.BytesIO(data))).tobytes() for name, data in files.items()}
    known = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "pixels_sha256": hashlib.sha256(pixels[name]).hexdigest()}
        for name, data in files.items()
    }
    for module in (fetch_datasets, datasets):
        monkeypatch.setattr(module, "manifest", lambda name: known if name == "kodak" else {})
    for name in ("kodak", "clic", "tecnick"):
        info = datasets.DatasetInfo(count=2, size="6x4", how="", what="", sizes=frozenset(((6, 4),)))
        monkeypatch.setitem(datasets.DATASETS, name, info)
    return files


def test_kodak_is_fetched_file_by_file_and_what_is_right_stays(server, tmp_path, two):
    server.behaviour.files = {f"/k/{name}": data for name, data in two.items()}
    result = fetch_dataset("kodak", tmp_path, f"{server.url}/k/")
    assert (result.folder, result.images, result.downloaded, result.warnings) == (tmp_path / "kodak", 2, 2, ())
    assert fetch_dataset("kodak", tmp_path, f"{server.url}/k").downloaded == 0
    (tmp_path / "kodak" / "kodim02.png").write_bytes(png(9))
    assert fetch_dataset("kodak", tmp_path, f"{server.url}/k").downloaded == 1
    assert [path for path, _ in server.behaviour.requests] == ["/k/kodim01.png", "/k/kodim02.png", "/k/kodim02.png"]


def test_the_same_pixels_in_another_file_are_right(server, tmp_path, two):
    (tmp_path / "kodak").mkdir()
    for name, data in two.items():
        pil.open(io.BytesIO(data)).save(tmp_path / "kodak" / name, compress_level=0)
    assert fetch_dataset("kodak", tmp_path, server.url).downloaded == 0


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    return out.getvalue()


def tarred(files: dict[str, bytes], links: tuple[str, ...] = ()) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:bz2") as tape:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tape.addfile(entry, io.BytesIO(data))
        for name in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tape.addfile(entry)
    return out.getvalue()


@pytest.mark.parametrize(("name", "pack"), [("clic", zipped), ("tecnick", tarred)])
def test_an_archive_is_unpacked_once_images_only(server, tmp_path, two, name, pack):
    extra = {"valid/readme.txt": b"?", "__MACOSX/valid/._a.png": b"?", "valid/.hidden.png": b"?"}
    server.behaviour.files["/pack"] = pack({"valid/a.png": png(1), "valid/b.png": png(2), **extra})
    result = fetch_dataset(name, tmp_path, f"{server.url}/pack")
    assert (result.images, result.downloaded, result.warnings) == (2, 1, ())
    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert files == [f"{name}/{fetch_datasets.LOCK}", f"{name}/valid/a.png", f"{name}/valid/b.png"]
    assert fetch_dataset(name, tmp_path, f"{server.url}/pack").downloaded == 0
    assert len(server.behaviour.requests) == 1


def test_a_changed_archive_is_refused_until_the_lock_is_removed(server, tmp_path, two):
    url = f"{server.url}/a.zip"
    server.behaviour.files["/a.zip"] = zipped({"a.png": png(1), "b.png": png(2)})
    fetch_dataset("clic", tmp_path, url)
    (tmp_path / "clic" / "a.png").unlink()
    server.behaviour.files["/a.zip"] = zipped({"a.png": png(3), "b.png": png(4)})
    with pytest.raises(UserError, match=r"has changed: .*remove .*\.lic-bench-fetch\.json"):
        fetch_dataset("clic", tmp_path, url)
    assert not (tmp_path / "clic" / "a.png").exists()
    (tmp_path / "clic" / fetch_datasets.LOCK).unlink()
    assert fetch_dataset("clic", tmp_path, url).images == 2
    assert list(json.loads((tmp_path / "clic" / fetch_datasets.LOCK).read_text())) == [url]


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../evil.png", "a/../../evil.png", "/tmp/evil.png", "C:\\evil.png"])
def test_a_name_that_leads_out_is_refused_and_leaves_nothing(server, tmp_path, two, pack, name):
    server.behaviour.files["/a"] = pack({"good.png": png(1), name: png(2)})
    with pytest.raises(UserError, match="leads out of its folder"):
        fetch_dataset("clic", tmp_path / "root", f"{server.url}/a")
    assert [p.name for p in tmp_path.rglob("*.png")] == []


def test_links_in_an_archive_are_not_followed(server, tmp_path, two):
    server.behaviour.files["/a"] = tarred({"a.png": png(1)}, links=("b.png",))
    result = fetch_dataset("clic", tmp_path, f"{server.url}/a")
    assert (result.images, len(result.warnings)) == (1, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nothing of the kind", "neither a zip nor a tar"),
        (zipped({"a.txt": b"?"}), "holds no images"),
        (zipped({"a.png": BODY})[:-30], "neither a zip nor a tar"),
        (
            tarred({"a.png": png(1), "b.png": np.random.default_rng(1).bytes(2_000_000)})[:1_500_000],
            "cannot be unpacked",
        ),
    ],
)
def test_a_bad_archive_is_refused(server, tmp_path, two, content, message):
    server.behaviour.files["/a"] = content
    with pytest.raises(UserError, match=message):
        fetch_dataset("clic", tmp_path, f"{server.url}/a")
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize(
    ("name", "url", "message"),
    [
        ("sample", None, "built in"),
        ("kodack", None, "Did you mean 'kodak'"),
        ("kodak", "ftp://host/x", "allowed are http:// and https://"),
    ],
)
def test_what_cannot_be_fetched_is_said(tmp_path, name, url, message):
    with pytest.raises(UserError, match=message):
        fetch_dataset(name, tmp_path, url)


def test_a_destination_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --data-root"):
        fetch_dataset("kodak", tmp_path / "file")
