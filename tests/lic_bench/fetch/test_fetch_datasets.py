"""Data sets from the server of conftest.py."""

import contextlib
import hashlib
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image as pil

from lic_bench.errors import UserError
from lic_bench.fetch import fetch_datasets
from lic_bench.fetch.fetch_datasets import fetch_dataset
from lic_bench.images import known_datasets

NO_ARCHIVE = np.random.default_rng(0).bytes(300_000)


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
        name: {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "pixels_sha256": hashlib.sha256(pixels[name]).hexdigest(),
        }
        for name, data in files.items()
    }
    for module in (fetch_datasets, known_datasets):
        monkeypatch.setattr(module, "read_manifest", lambda name: known if name == "kodak" else {})
    for name in ("kodak", "clic", "tecnick"):
        info = known_datasets.DatasetInfo(count=2, size="6x4", how="", what="", sizes=frozenset(((6, 4),)))
        monkeypatch.setitem(known_datasets.DATASETS, name, info)
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
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
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
        (zipped({"a.png": NO_ARCHIVE})[:-30], "neither a zip nor a tar"),
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
    "first",
    [b"down for maintenance\n" * 9, zipped({"a.png": png(1)}), zipped({"a.png": png(1), "b.png": b"?"})],
    ids=["no archive", "too few images", "a damaged image"],
)
def test_what_is_not_the_data_set_does_not_lock_it_out(server, tmp_path, two, first):
    url = f"{server.url}/a.zip"
    server.behaviour.files["/a.zip"] = first
    with contextlib.suppress(UserError):
        fetch_dataset("clic", tmp_path, url)
    server.behaviour.files["/a.zip"] = zipped({"a.png": png(1), "b.png": png(2)})
    result = fetch_dataset("clic", tmp_path, url)
    assert (result.images, result.warnings) == (2, ())


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_of_more_than_any_data_set_has_is_not_unpacked(server, tmp_path, two, monkeypatch, pack):
    monkeypatch.setattr(fetch_datasets, "MOST_FILES", 5)
    monkeypatch.setattr(fetch_datasets, "MOST_BYTES", 30_000)
    for files in ({f"{n}.png": b"" for n in range(6)}, {f"{n}.png": bytes(8000) for n in range(4)}):
        server.behaviour.files["/a"] = pack(files)
        with pytest.raises(UserError, match="unpacks to more than 5 files or 30000 bytes"):
            fetch_dataset("clic", tmp_path, f"{server.url}/a")
    assert not list(tmp_path.rglob("*.png"))


def test_an_archive_that_lists_one_file_again_and_again_is_refused(server, tmp_path, two):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr("a.png", png(1))
        pack.filelist *= 3000
    server.behaviour.files["/a"] = out.getvalue()
    with pytest.raises(UserError, match=r"lists 'a\.png' twice"):
        fetch_dataset("clic", tmp_path, f"{server.url}/a")


@pytest.mark.parametrize(
    ("name", "url", "message"),
    [
        ("sample", None, "built in"),
        ("kodack", None, "Did you mean 'kodak'"),
        ("kodak", "ftp://host/x", "allowed are http:// and https://"),
        ("clic", "http://[::1/x.zip", "allowed are http:// and https://"),
    ],
)
def test_what_cannot_be_fetched_is_said(tmp_path, name, url, message):
    with pytest.raises(UserError, match=message):
        fetch_dataset(name, tmp_path, url)


def test_a_destination_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --data-root"):
        fetch_dataset("kodak", tmp_path / "file")
