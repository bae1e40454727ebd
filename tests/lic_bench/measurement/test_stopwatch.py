import gc
import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.measurement import stopwatch
from lic_bench.measurement.stopwatch import Effort, half_width, median_interval, timed, undisturbed, warm_up

CPU = torch.device("cpu")


def test_a_known_sleep_reads_as_long_as_it_is() -> None:
    out, seconds = timed(lambda: time.sleep(0.05) or "done", CPU)
    assert out == "done"
    assert 0.05 <= seconds < 0.15


class Scripted:
    """Stands for work whose durations are known: each call moves the clock by the next one."""

    def __init__(self, durations: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
        self.durations = iter(durations)
        self.calls = 0
        self.now = 0
        monkeypatch.setattr(stopwatch, "perf_counter_ns", lambda: self.now)

    def __call__(self) -> int:
        self.now += round(next(self.durations) * 1e9)
        self.calls += 1
        return self.calls


def test_warm_up_ends_when_two_medians_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Scripted([1.0, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1], monkeypatch)
    samples = warm_up(work, CPU, Effort())
    assert samples == [1.0, 0.5, 0.1, 0.1, 0.1, 0.1]
    assert samples[0] == 1.0  # the cold start


def test_warm_up_of_steady_work_takes_three_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(warm_up(Scripted([0.1] * 9, monkeypatch), CPU, Effort())) == 3


def test_warm_up_is_capped_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert warm_up(Scripted([6.0, 6.0, 6.0], monkeypatch), CPU, Effort(warm_up_s=10)) == [6.0, 6.0]


@pytest.mark.parametrize(("samples", "enough"), [([0.1] * 4, False), ([0.1] * 5, True), ([0.9] * 2, False)])
def test_five_samples_that_agree_are_enough(samples: list[float], enough: bool) -> None:
    assert Effort().enough(samples) is enough


def test_samples_that_differ_are_not_enough_until_the_budget_is_spent() -> None:
    assert not Effort().enough([0.1, 0.2, 0.1, 0.2, 0.15])
    assert Effort().enough([1.5, 0.7])
    assert Effort(most=3).enough([0.1, 0.2, 0.3])


def test_the_interval_of_the_median_holds_it_and_narrows() -> None:
    samples = np.random.default_rng(1).normal(1.0, 0.1, 400)
    few, many = median_interval(samples[:10]), median_interval(samples)
    assert few[0] <= np.median(samples[:10]) <= few[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert many[0] < 1.0 < many[1]
    assert median_interval(samples) == many  # the same every time


def test_the_interval_covers_the_true_median_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    intervals = [median_interval(rng.exponential(1.0, 40)) for _ in range(200)]
    covered = sum(low <= np.log(2) <= high for low, high in intervals)
    assert 0.9 <= covered / 200 <= 0.99


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30))
def test_the_interval_lies_within_the_samples(samples: list[float]) -> None:
    low, high = median_interval(samples)
    assert min(samples) <= low <= high <= max(samples)
    assert half_width(samples) >= (high - low) / 2 / np.median(samples)


def test_no_samples_have_no_interval() -> None:
    with pytest.raises(ValueError, match="no samples"):
        median_interval([])


def test_the_garbage_collector_is_off_inside_only() -> None:
    with undisturbed():
        assert not gc.isenabled()
    assert gc.isenabled()
