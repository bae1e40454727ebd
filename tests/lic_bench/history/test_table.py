from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import StringIO

import pytest
from rich.console import Console

from lic_bench.compare.accepted import Accepted
from lic_bench.history.metric_series import series_of
from lic_bench.history.point import Point
from lic_bench.history.table import MANY, SOFTWARE, series_table, steps_table
from lic_bench.report.tables.table import Table
from lic_bench.report.tables.terminal import to_rich

Nights = Callable[..., list[Point]]
ENTRY = Accepted(
    codec="jpeg", metric="payload_bytes", who="A. Author", why="denser", date=date(2026, 3, 9), change=0.1, quality=50
)


def shown(table: Table, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(to_rich(table, width))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def texts(table: Table, key: str) -> list[str]:
    return [row.cells[key].text for row in table.rows]


def test_a_series_has_its_points_its_last_value_and_its_steps(nights: Nights) -> None:
    table = series_table(series_of([*nights([1000.0, 1001.0, 1000.0, 1002.0]), *nights([7.0], codec="webp")]))
    assert texts(table, "points") == ["4", "1"]
    assert texts(table, "last") == ["1,002 B", "7 B"]
    assert texts(table, "steps") == ["3, 1 OPEN", "none"]
    assert "2 series of 4 runs" in table.caption


def test_of_many_series_only_those_with_steps_are_listed(nights: Nights) -> None:
    points = [point for quality in range(MANY + 1) for point in nights([1.0, 1.0 + (quality == 5)], quality=quality)]
    series = series_of(points)
    assert texts(series_table(series), "quality") == ["5"]
    assert f"{MANY} without a step are not listed" in series_table(series).caption
    assert len(series_table(series, everything=True).rows) == MANY + 1


def test_a_step_has_its_commit_its_change_and_who_accepted_it(nights: Nights) -> None:
    points = [*nights([100.0, 105.0]), *nights([100.0, 105.0], quality=30)]
    table = steps_table(series_of(points, [ENTRY]))
    assert texts(table, "state") == ["OPEN", "ACCEPTED"]
    assert texts(table, "quality") == ["30", "50"]
    assert texts(table, "change") == ["+5.0 %", "+5.0 %"]
    assert texts(table, "commit") == [str(points[1].commit)[:7]] * 2
    assert table.rows[1].cells["state"].notes == ("accepted by A. Author on 2026-03-09: denser",)
    assert texts(table, "levels") == ["100 B, 105 B"] * 2


def test_qualities_that_step_at_one_commit_share_a_row(nights: Nights) -> None:
    points = [point for q in (10, 20, 30) for point in nights([100.0, 100.0 + q / 10], quality=q)]
    table = steps_table(series_of(points))
    assert texts(table, "quality") == ["10, 20, 30"]
    assert texts(table, "change") == ["+1.0 .. +3.0 %"]


def test_software_that_changed_at_a_step_is_a_footnote(nights: Nights) -> None:
    before, after = nights([1.0, 2.0])
    table = steps_table(series_of([before, replace(after, software="other")]))
    assert list(table.marks) == [SOFTWARE]


@pytest.mark.parametrize("width", [80, 110])
def test_the_tables_fit_and_fold_no_number(nights: Nights, width: int) -> None:
    long = {"metric": "peak_encode_rss_growth", "unit": "bytes"}
    points = [p for q in (10, 20, 30) for p in nights([4e8] * 6 + [5e8] * 6, quality=q, codec="jpeg2000", **long)]
    series = series_of([*points, *nights([5.0], metric="bitstream_sha256")], [ENTRY])
    for table in (series_table(series), steps_table(series)):
        lines = shown(table, width)
        assert all(len(line.rstrip()) <= width for line in lines)
        assert any("peak_encode_rss_growth" in line for line in lines)
        assert any("+25.0 %" in line or "476.8 MiB" in line for line in lines)


def test_data_sets_that_tell_series_apart_are_shown_at_any_width(nights: Nights) -> None:
    table = series_table(series_of([*nights([1.0]), *nights([1.0], on="clic"), *nights([1.0], threads=2)]))
    lines = shown(table, 70)
    assert any("clic" in line for line in lines)
    assert any("kodak, threads 2" in line for line in lines)
