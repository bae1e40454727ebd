from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lic_bench.machine.sysfs import format_cpu_list, list_folder, parse_cpu_list, read_int, read_text


def test_files_and_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "number").write_text(" 42\n")
    (tmp_path / "word").write_text("performance\n")
    assert (read_text(tmp_path / "word"), read_int(tmp_path / "number")) == ("performance", 42)
    assert (read_text(tmp_path / "none"), read_int(tmp_path / "none"), read_int(tmp_path / "word")) == (
        None,
        None,
        None,
    )
    assert read_text(tmp_path) is None
    assert sorted(list_folder(tmp_path)) == ["number", "word"]
    assert list_folder(tmp_path / "none") == []


def test_a_long_file_comes_whole(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 200_000)
    assert len(read_text(tmp_path / "long") or "") == 200_000


def test_the_kernels_notation() -> None:
    assert parse_cpu_list("0-2,5") == [0, 1, 2, 5]
    assert parse_cpu_list("") == parse_cpu_list(None) == []
    assert format_cpu_list([5, 0, 1, 2]) == "0-2,5"


@given(st.sets(st.integers(0, 1000)))
def test_both_ways_give_the_same_set(numbers: set[int]) -> None:
    assert parse_cpu_list(format_cpu_list(list(numbers))) == sorted(numbers)
