import errno
import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from lic_bench.codecs import bitstream_cache
from lic_bench.codecs.bitstream_cache import BitstreamCache, cache_folder, cache_key, cache_trouble
from lic_bench.errors import UserError

CONTENT, SIZE, CODER = bytes(range(24)), (2, 4), ("vtm", "9.1", "0a1b")


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    cache = BitstreamCache(tmp_path)
    key = cache_key(CONTENT, SIZE, CODER, ["-q", "47"])
    assert cache.get(key) is None
    cache.put(key, b"bits")
    assert cache.get(key) == b"bits"
    assert BitstreamCache(tmp_path / "other").get(key) is None


def test_the_key_changes_with_all_that_decides_the_bytes() -> None:
    keys = [
        cache_key(CONTENT, SIZE, CODER, ["-q", "47"]),
        cache_key(CONTENT[1:], SIZE, CODER, ["-q", "47"]),
        cache_key(CONTENT, (4, 2), CODER, ["-q", "47"]),
        cache_key(CONTENT, SIZE, ("vtm", "18.0", "0a1b"), ["-q", "47"]),
        cache_key(CONTENT, SIZE, ("vtm", "9.1", "another program"), ["-q", "47"]),
        cache_key(CONTENT, SIZE, CODER, ["-q", "42"]),
        cache_key(CONTENT, SIZE, CODER, ["-q47"]),
        cache_key(CONTENT, SIZE, CODER, []),
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("damage", [b"", b"short", bytes(40)])
def test_a_damaged_file_counts_as_none_and_can_be_replaced(tmp_path: Path, damage: bytes) -> None:
    cache = BitstreamCache(tmp_path)
    cache.put("abc", b"bits")
    next(path for path in tmp_path.rglob("*") if path.is_file()).write_bytes(damage)
    assert cache.get("abc") is None
    cache.put("abc", b"bits")
    assert cache.get("abc") == b"bits"


def _put_often(folder: Path, letter: str) -> None:
    for _ in range(200):
        BitstreamCache(folder).put("abc", letter.encode() * 5000)


def test_two_writers_leave_one_whole_bitstream_and_no_drafts(tmp_path: Path) -> None:
    spawn = get_context("spawn")
    writers = [spawn.Process(target=_put_often, args=(tmp_path, letter)) for letter in "xy"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert BitstreamCache(tmp_path).get("abc") in (None, b"x" * 5000, b"y" * 5000)
        assert len(list(tmp_path.rglob("abc"))) <= 1
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert BitstreamCache(tmp_path).get("abc") in (b"x" * 5000, b"y" * 5000)
    assert not list(tmp_path.rglob("*.tmp"))


KILLED = """
import os, pathlib, signal, sys
from lic_bench.codecs.bitstream_cache import BitstreamCache
pathlib.Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # between writing and naming
BitstreamCache(pathlib.Path(sys.argv[1])).put("abc", b"bits")
"""


def test_the_draft_of_a_killed_writer_is_removed_a_day_later(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)])
    assert killed.returncode == -signal.SIGKILL
    (draft,) = tmp_path.rglob("*.tmp")
    cache = BitstreamCache(tmp_path)
    cache.put("old", b"bits")
    long_ago = time.time() - 25 * 3600
    (kept,) = tmp_path.rglob("old")
    os.utime(kept, (long_ago, long_ago))
    cache.prepare()
    assert draft.exists()  # another process may be writing it
    os.utime(draft, (long_ago, long_ago))
    cache.prepare()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]
    assert cache.get("old") == b"bits"


@pytest.mark.parametrize("what", ["itself", "above"])
def test_a_cache_that_cannot_be_written_is_refused_beforehand(tmp_path: Path, what: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match=r"^Cannot write to the bitstream cache, .*file.* by \$LIC_BENCH_CACHE\.$"):
        BitstreamCache(file if what == "itself" else file / "bitstreams").prepare()
    BitstreamCache(tmp_path / "new" / "bitstreams").prepare()
    assert list((tmp_path / "new").rglob("*")) == [tmp_path / "new" / "bitstreams"]


def test_the_variable_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIC_BENCH_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "bitstreams"
    monkeypatch.delenv("LIC_BENCH_CACHE")
    assert cache_folder().name == "bitstreams"
    assert "lic-bench" in str(cache_folder())


def test_bitstreams_that_cannot_be_stored_are_kept_in_memory_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bitstream_cache, "_kept_in_memory", {})
    cache = BitstreamCache(tmp_path / "bitstreams")
    cache.put("abc", b"bits")
    assert cache_trouble() is None
    (tmp_path / "bitstreams" / "xy").write_text("where a folder is to be")
    cache.put("xyz", b"more bits")
    assert (cache.get("abc"), cache.get("xyz")) == (b"bits", b"more bits")
    said = f"{tmp_path / 'bitstreams'}, cannot be written (File exists): 1 bitstreams are not kept for another run"
    assert said in str(cache_trouble())


def test_a_full_disk_is_no_reason_not_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bitstream_cache.tempfile, "NamedTemporaryFile", full)
    BitstreamCache(tmp_path / "bitstreams").prepare()
