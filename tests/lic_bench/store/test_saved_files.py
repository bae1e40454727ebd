"""Files of saved pictures and bitstreams: what goes in comes out, and what is damaged is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.store.saved_files import MAGIC, SavedBitstream, picture_hash, save, saved_path

ABOUT = {"codec": "lalic-small", "quality": 3, "weights": None, "passes": [["0123abcd", 0, "9f"]]}
WHOLE = SavedBitstream(ABOUT, b"head", b"payload\nof lines\n")


@given(st.binary(), st.binary())
def test_a_bitstream_comes_back_as_it_was(header: bytes, payload: bytes) -> None:
    saved = SavedBitstream(ABOUT, header, payload)
    assert SavedBitstream.from_bytes(saved.to_bytes(), "it") == saved


@pytest.mark.parametrize("end", [0, 5, len(MAGIC), len(MAGIC) + 20, -1])
def test_a_file_that_was_cut_is_refused(end: int) -> None:
    with pytest.raises(UserError, match=r"x\.licb is no bitstream .* or not a whole one"):
        SavedBitstream.from_bytes(WHOLE.to_bytes()[:end], "x.licb")


@pytest.mark.parametrize(
    "data",
    [
        MAGIC + b"[]\n",
        MAGIC + b"{}\n",
        MAGIC + b'{"header_bytes": -1, "payload_bytes": 1}\n',
        MAGIC + b'{"header_bytes": true, "payload_bytes": 0}\nx',
        MAGIC + b'{"header_bytes": 1.0, "payload_bytes": 0}\nx',
        MAGIC + b"\xff\n",
        b"another file\n{}\n",
    ],
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(UserError, match="is no bitstream"):
        SavedBitstream.from_bytes(data, "it")


def test_pictures_of_other_sizes_with_the_same_values_have_other_hashes() -> None:
    assert picture_hash(2, 3, b"\0" * 18) != picture_hash(3, 2, b"\0" * 18)


def test_equal_contents_are_written_once(tmp_path: Path) -> None:
    for _ in range(2):
        save(tmp_path, "pictures", "ab", b"first")
    save(tmp_path, "pictures", "ab", b"second")
    assert saved_path(tmp_path, "pictures", "ab").read_bytes() == b"first"
    assert [file.name for file in (tmp_path / "pictures").iterdir()] == ["ab.png"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("in the way")
    with pytest.raises(UserError, match=r"Cannot write .*ab\.png: .*; make room"):
        save(tmp_path, "pictures", "ab", b"")
