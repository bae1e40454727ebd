from dataclasses import replace
from pathlib import Path

import pytest

from lic_bench.codecs.checkpoints import (
    LOCK,
    Entry,
    check_sha256,
    checkpoint_folders,
    find_checkpoints,
    key_of,
    read_lock,
    sha256_of,
    shipped_checkpoints,
    write_lock,
)
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.spec import Checkpoint


def test_a_released_file_must_have_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a")
    known = Checkpoint(file="file", sha256="ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")
    spec = replace(
        resolve_codec("lalic"), checkpoints={1: known, 2: replace(known, sha256="00"), 3: replace(known, sha256=None)}
    )
    check_sha256(spec, 1, path)
    check_sha256(spec, 3, path)
    with pytest.raises(UserError, match=r"is not the released file: sha256 ca97.*expected 00"):
        check_sha256(spec, 2, path)


def test_weights_are_found_beside_each_other_or_by_codec(tmp_path: Path) -> None:
    spec = resolve_codec("lalic")
    (tmp_path / "lalic").mkdir()
    (tmp_path / "lalic-mse-q1.pth").write_bytes(b"1")
    (tmp_path / "lalic/lalic-mse-q6.pth").write_bytes(b"6")
    assert find_checkpoints(spec, [tmp_path]) == {
        1: tmp_path / "lalic-mse-q1.pth",
        6: tmp_path / "lalic/lalic-mse-q6.pth",
    }


def test_where_weights_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIC_BENCH_CHECKPOINTS", str(tmp_path))
    assert checkpoint_folders(None)[0] == tmp_path
    assert len(checkpoint_folders(None)) == 2
    assert checkpoint_folders(tmp_path) == [tmp_path]
    with pytest.raises(UserError, match="no such folder"):
        checkpoint_folders(tmp_path / "none")


def test_a_changed_file_has_another_hash(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a")
    first = sha256_of(path)
    path.write_bytes(b"bb")
    assert sha256_of(path) != first
    assert first == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


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


def test_the_weights_that_come_with_a_codec_are_found_where_it_is_installed() -> None:
    there = shipped_checkpoints(resolve_codec("lalic-small"))
    assert {path.name for path in there.values()} == {f"lalic-small-q{quality}.pth" for quality in there}
    assert 4 in there
    assert shipped_checkpoints(resolve_codec("lalic")) == {}
