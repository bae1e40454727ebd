import pytest

from lic_bench.measurement.energy_per_call import joules_per_call


class Device:
    """Takes 2 J per call, and counts it in steps."""

    def __init__(self) -> None:
        self.calls = 0

    def work(self) -> None:
        self.calls += 1

    def millijoules(self) -> float:
        return 1e6 + 2000.0 * self.calls


def test_the_energy_of_one_call() -> None:
    device = Device()
    assert joules_per_call(device.work, device.millijoules, enough_s=60, most=7) == pytest.approx(2.0)
    assert device.calls == 7


def test_a_slow_call_is_not_repeated() -> None:
    device = Device()
    assert joules_per_call(device.work, device.millijoules, enough_s=0) == pytest.approx(2.0)
    assert device.calls == 1


def test_without_a_counter_nothing_is_called() -> None:
    device = Device()
    assert joules_per_call(device.work, lambda: None) is None
    assert device.calls == 0
