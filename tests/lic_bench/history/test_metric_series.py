from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from lic_bench.compare.accepted import Accepted
from lic_bench.compare.gates import Timed
from lic_bench.compare.metric_table import metric_of
from lic_bench.history.metric_series import series_of, unused
from lic_bench.history.point import Point

Nights = Callable[..., list[Point]]


def accept(**changes: Any) -> Accepted:
    values = {"codec": "jpeg", "metric": "payload_bytes", "who": "A", "why": "B", "date": date(2026, 3, 1)}
    return Accepted(**(values | {"change": 0.1} | changes))


def noisy(levels: list[float], each: int = 15, sigma: float = 0.01) -> list[float]:
    random = np.random.default_rng(4)
    return (np.repeat(levels, each) * np.exp(sigma * random.standard_normal(each * len(levels)))).tolist()


def test_a_byte_is_a_step_at_its_commit(nights: Nights) -> None:
    points = nights([1000.0, 1000.0, 1000.5, 1000.5])
    (series,) = series_of(points)
    (step,) = series.steps
    assert (step.index, step.before, step.after, step.state) == (2, 1000.0, 1000.5, "OPEN")
    assert step.change == pytest.approx(0.0005)
    assert series.open == [step]
    assert series.levels == [(0, 2, 1000.0), (2, 4, 1000.5)]


@pytest.mark.parametrize(
    ("metric", "values", "state"),
    [
        ("payload_bytes", [10.0, 9.0], "BETTER"),
        ("mse_8bit", [10.0, 10.0 + 1e-6], "OPEN"),
        ("ms_ssim", [0.9, 0.8], "OPEN"),
        ("ms_ssim", [0.8, 0.9], "BETTER"),
        ("macs", [1e9, 1e9 + 1], "OPEN"),
        ("status", [0.0, 1.0], "OPEN"),
        ("status", [1.0, 0.0], "BETTER"),
        ("bitstream_sha256", ["aa", "bb"], "OPEN"),
    ],
)
def test_the_direction_is_that_of_the_metric(nights: Nights, metric: str, values: list[Any], state: str) -> None:
    (series,) = series_of(nights(values, metric=metric))
    assert [step.state for step in series.steps] == [state]


@pytest.mark.parametrize("values", [[0.9, 0.9 + 5e-7, 0.9], [0.9, *[0.9000009] * 3, 0.9000011, *[0.9000009] * 6]])
def test_what_is_within_the_tolerance_is_no_step(nights: Nights, values: list[float]) -> None:
    for sign in (1, -1):
        (series,) = series_of(nights([0.9 + sign * (value - 0.9) for value in values], metric="ms_ssim"))
        assert series.steps == []


@pytest.mark.parametrize("values", [[1.0, 2.0, 1.0], [1.0, 2.0, 3.0, 1.0], ["a", "b", "a"]])
def test_what_a_later_step_takes_back_is_mended(nights: Nights, values: list[Any]) -> None:
    (series,) = series_of(nights(values))
    assert series.steps[0].state == "MENDED"


@pytest.mark.parametrize(
    ("values", "states"),
    [
        ("aba", ["MENDED", "BACK"]),
        ("abab", ["MENDED", "BACK", "OPEN"]),
        ("abcb", ["OPEN", "MENDED", "OPEN"]),
        ("abca", ["MENDED", "OPEN", "BACK"]),
    ],
)
def test_a_text_as_at_first_is_no_worsening(nights: Nights, values: str, states: list[str]) -> None:
    (series,) = series_of(nights(list(values), metric="bitstream_sha256"))
    assert [step.state for step in series.steps] == states


def test_a_text_as_someone_accepted_it_is_no_worsening(nights: Nights) -> None:
    points = nights(list("abcb"), metric="bitstream_sha256")
    (series,) = series_of(points, [accept(metric="bitstream_sha256", commit=str(points[1].commit)[:7])])
    assert [step.state for step in series.steps] == ["ACCEPTED", "MENDED", "BACK"]


def test_what_gets_worse_again_is_open_from_there(nights: Nights) -> None:
    (series,) = series_of(nights([1.0, 2.0, 1.0, 3.0]))
    assert [step.state for step in series.steps] == ["MENDED", "BETTER", "OPEN"]


def test_what_is_taken_back_in_part_stays_open(nights: Nights) -> None:
    (series,) = series_of(nights([1.0, 2.0, 1.5]))
    assert [step.state for step in series.steps] == ["OPEN", "BETTER"]


def test_a_time_steps_where_its_level_does(nights: Nights) -> None:
    (series,) = series_of(nights(noisy([4.0, 4.3, 3.6]), metric="encode_s"))
    assert [step.index for step in series.steps] == [15, 30]
    assert [step.state for step in series.steps] == ["MENDED", "BETTER"]
    assert series.steps[0].change == pytest.approx(0.075, abs=0.01)


def test_a_bad_night_and_noise_are_no_steps(nights: Nights) -> None:
    values = noisy([4.0, 4.0])
    values[9] = 6.0
    (series,) = series_of(nights(values, metric="encode_s"))
    assert series.steps == []


def test_a_time_that_moves_by_less_than_the_gate_lets_pass_has_no_step(nights: Nights) -> None:
    gate = metric_of("encode_s").gate
    assert isinstance(gate, Timed)
    for factor, found in ((1 + 0.5 * gate.least, 0), (1 + 2 * gate.least, 1)):
        (series,) = series_of(nights(noisy([4.0, 4.0 * factor], sigma=0.001), metric="encode_s"))
        assert len(series.steps) == found


def test_memory_has_the_tolerance_of_its_gate(nights: Nights) -> None:
    for factor, found in ((1.02, 0), (1.2, 1)):
        (series,) = series_of(nights(noisy([1e9, factor * 1e9], sigma=0.002), metric="peak_encode_rss"))
        assert len(series.steps) == found


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (accept(), "ACCEPTED"),
        (accept(change=0.01), "OPEN"),
        (accept(codec="webp"), "OPEN"),
        (accept(metric="mse_8bit"), "OPEN"),
        (accept(quality=30), "OPEN"),
        (accept(commit="ffff"), "OPEN"),
    ],
)
def test_an_entry_accepts_what_it_names(nights: Nights, entry: Accepted, state: str) -> None:
    (series,) = series_of(nights([100.0, 105.0]), [entry])
    assert series.steps[0].state == state
    assert series.steps[0].accepted == (entry if state == "ACCEPTED" else None)


@pytest.mark.parametrize("metric", ["encode_s", "peak_encode_rss"])
@pytest.mark.parametrize(("night", "state"), [(8, "OPEN"), (9, "ACCEPTED"), (10, "ACCEPTED"), (11, "ACCEPTED")])
def test_an_entry_with_a_commit_is_of_the_noisy_step_there_or_beside(
    nights: Nights, metric: str, night: int, state: str
) -> None:
    points = nights([1e9] * 10 + [1.2e9] * 10, metric=metric)
    commit = str(points[night].commit)
    for text in (commit[:7], commit + "0123"):
        (series,) = series_of(points, [accept(metric=metric, change=0.3, commit=text)])
        assert [step.state for step in series.steps] == [state]


@pytest.mark.parametrize("metric", ["payload_bytes", "status", "macs"])
def test_an_entry_with_a_commit_is_of_the_exact_step_there_alone(nights: Nights, metric: str) -> None:
    points = nights([1000.0, 1000.0, 1050.0, 1102.0], metric=metric)
    (series,) = series_of(points, [accept(metric=metric, commit=str(points[2].commit))])
    assert [step.state for step in series.steps] == ["ACCEPTED", "OPEN"]


@pytest.mark.parametrize("values", [[0.0, 24.0], [0.0, 5.0]])
@pytest.mark.parametrize("metric", ["status", "mse_8bit"])
def test_growth_from_nothing_needs_an_entry_for_any(nights: Nights, metric: str, values: list[float]) -> None:
    for change, state in ((0.0, "OPEN"), (1e9, "OPEN"), (float("inf"), "ACCEPTED")):
        (series,) = series_of(nights(values, metric=metric), [accept(metric=metric, change=change)])
        assert [step.state for step in series.steps] == [state]


def test_entries_that_no_step_comes_under_are_named(nights: Nights) -> None:
    entries = [accept(), accept(commit="fffffff"), accept(codec="webp"), accept(change=0.01)]
    series = series_of(nights([100.0, 105.0]), entries)
    assert unused(series, entries) == [(2, entries[1]), (3, entries[2]), (4, entries[3])]
    mended = series_of(nights([100.0, 105.0, 100.0]), entries)
    assert [number for number, _ in unused(mended, entries)] == [2, 3, 4]


def test_improvements_need_nobody(nights: Nights) -> None:
    (series,) = series_of(nights([100.0, 95.0]), [accept()])
    assert (series.steps[0].state, series.steps[0].accepted) == ("BETTER", None)


def test_other_software_at_a_step_is_told(nights: Nights) -> None:
    points = nights([1.0, 1.0, 2.0, 3.0])
    points[2:] = [replace(point, software="bbbbbbbb") for point in points[2:]]
    (series,) = series_of(points)
    assert [step.other_software for step in series.steps] == [True, False]


def test_series_are_apart_by_all_that_may_not_be_compared(nights: Nights) -> None:
    points = [*nights([1.0, 1.0]), *nights([2.0], threads=2), *nights([3.0], images="other"), *nights([4.0], on="clic")]
    assert [len(series.points) for series in series_of(points)] == [2, 1, 1, 1]
    assert all(not series.steps for series in series_of(points))
