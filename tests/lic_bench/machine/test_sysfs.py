from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lic_bench.machine.sysfs import compact, cpu_list, entries, read, read_int


def test_files_and_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "number").write_text(" 42\n")
    (tmp_path / "word").write_text("performance\n")
    assert (read(tmp_path / "word"), read_int(tmp_path / "number")) == ("performance", 42)
    assert (read(tmp_path / "none"), read_int(tmp_path / "none"), read_int(tmp_path / "word")) == (None, None, None)
    assert read(tmp_path) is None
    assert sorted(entries(tmp_path)) == ["number", "word"]
    assert entries(tmp_path / "none") == []


def test_a_long_file_comes_whole(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 200_000)
    assert len(read(tmp_path / "long") or "") == 200_000


def test_the_kernels_notation() -> None:
    assert cpu_list("0-2,5") == [0, 1, 2, 5]
    assert cpu_list("") == cpu_list(None) == []
    assert compact([5, 0, 1, 2]) == "0-2,5"


@given(st.sets(st.integers(0, 1000)))
def test_both_ways_give_the_same_set(numbers: set[int]) -> None:
    assert cpu_list(compact(list(numbers))) == sorted(numbers)
