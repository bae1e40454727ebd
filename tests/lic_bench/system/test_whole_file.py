import errno
import os
from pathlib import Path

import pytest

from lic_bench.system.whole_file import DRAFT, write_whole


def test_text_and_bytes_with_the_usual_rights(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o022)
    try:
        write_whole(path, "ö\n")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"\xc3\xb6\n"
    assert path.stat().st_mode & 0o777 == 0o644
    write_whole(path, b"\xff")
    assert path.read_bytes() == b"\xff"
    assert list(tmp_path.iterdir()) == [path]


def test_where_the_disk_is_full_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(_: int) -> None:
        assert len(list(tmp_path.glob(f"file.*{DRAFT}"))) == 1
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
