from pathlib import Path

import pytest

from lic_bench.codecs.weights_lock import LOCK, Entry, key_of, read_lock, write_lock
from lic_bench.errors import UserError


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_lock(tmp_path) == {}
    entries = {key_of("b", "q1.pth"): Entry(sha256="ab", url="https://host/q1.pth", size=3, date="2026-01-31")}
    write_lock(tmp_path, entries)
    assert read_lock(tmp_path) == entries
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"a/b": 1}', '{"a/b": {"sha256": "ab"}}', '{"a/b": {"size": 1, "x": 2}}']
)
def test_a_damaged_lock_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK).write_text(text)
    with pytest.raises(UserError, match=r"weights\.lock\.json is damaged; repair it, or remove it"):
        read_lock(tmp_path)
