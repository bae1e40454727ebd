import gc
import time

import pytest
import torch

from lic_bench.measurement import stopwatch
from lic_bench.measurement.stopwatch import Effort, sample, timed, undisturbed, warm_up

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


@pytest.mark.parametrize(("duration", "count"), [(0.1, 5), (0.9, 3), (3.0, 1)])
def test_five_repeats_or_two_seconds(monkeypatch: pytest.MonkeyPatch, duration: float, count: int) -> None:
    out, samples = sample(Scripted([duration] * 9, monkeypatch), CPU, Effort())
    assert samples == [duration] * count
    assert out == count


def test_the_garbage_collector_is_off_inside_only() -> None:
    with undisturbed():
        assert not gc.isenabled()
    assert gc.isenabled()
