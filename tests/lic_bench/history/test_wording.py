from collections.abc import Callable

import pytest

from lic_bench.compare.metric_table import BYTES, FAILED_IMAGES, MACS
from lic_bench.history.metric_series import Step, series_of
from lic_bench.history.point import RELATIVE, Point
from lic_bench.history.wording import change_of, commit_of, distinctions, last_of, pair_of, range_of, value_of


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (4.23712, RELATIVE, "4.237x"),
        (21619.0417, BYTES, "21,619.042 B"),
        (3 * 2**20, BYTES, "3.0 MiB"),
        (286_160_000_000, MACS, "286.16 G"),
        (2.0, FAILED_IMAGES, "2"),
        (0.99241581, "", "0.99241581"),
        ("abcd", "", "abcd"),
    ],
)
def test_values_have_units_for_people(value: float | str, unit: str, words: str) -> None:
    assert value_of(value, unit) == words


def test_two_values_never_look_alike() -> None:
    assert pair_of(1.0, 2.0, FAILED_IMAGES) == ("1", "2")
    one, other = pair_of(21619.0, 21619.00001, BYTES)
    assert one != other


def step(before: float | str, after: float | str, change: float | None) -> Step:
    return Step(index=1, before=before, after=after, change=change, state="OPEN")


@pytest.mark.parametrize(
    ("before", "after", "change", "unit", "words"),
    [
        (4.0, 4.2, 0.05, RELATIVE, "+5.0 %"),
        (4.0, 4.0, -2.5e-8, BYTES, "-2.5e-06 %"),
        (0.0, 3.0, None, BYTES, "+3"),
        (1.0, 0.0, -1.0, FAILED_IMAGES, "-1"),
        ("a", "b", None, "", "other"),
    ],
)
def test_a_change_is_relative_where_that_means_something(
    before: float | str, after: float | str, change: float | None, unit: str, words: str
) -> None:
    assert change_of(step(before, after, change), unit) == words


def test_several_changes_are_a_range() -> None:
    several = [step(1.0, 1.1, 0.1), step(1.0, 1.05, 0.05), step(1.0, 1.07, 0.07)]
    assert range_of(several, RELATIVE) == "+5.0 .. +10.0 %"
    assert range_of(several[:1], RELATIVE) == "+10.0 %"


def test_a_point_without_a_commit_has_its_version(point: Callable[..., Point]) -> None:
    assert commit_of(point(commit="0123456789ab")) == "0123456"
    assert commit_of(point(commit="0123456789ab", dirty=True)) == "0123456+"
    assert commit_of(point(commit=None, dirty=None)) == "v0.1.0"


def test_a_time_has_its_seconds(point: Callable[..., Point]) -> None:
    assert last_of(point(value=4.0, unit=RELATIVE, seconds=0.0123)) == "4x (12.3 ms)"
    assert last_of(point(value=4.0, unit=RELATIVE, seconds=1.5)) == "4x (1.5 s)"


def test_series_of_one_name_are_told_apart_by_what_differs(point: Callable[..., Point]) -> None:
    series = series_of([point(), point(threads=2), point(codec="webp")])
    assert distinctions(series) == ["threads 1", "threads 2", ""]
