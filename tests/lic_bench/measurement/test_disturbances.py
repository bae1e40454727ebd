import pytest

from lic_bench.measurement.disturbances import list_disturbances, merge_conditions, worst_conditions

QUIET = {
    "seconds": 10.0,
    "cpu_others_share": 0.05,
    "cpu_steal_share": 0.01,
    "cpu_waited_share": 0.05,
    "major_faults": 100,
    "swapped_pages": 0,
    "cpu_throttles": 0,
    "gpu_foreign_processes": 0,
    "gpu_reasons": ["clocks_setting", "idle"],
    "gpu_clocks_locked": False,
    "gpu_sm_mhz": [1921.0, 1980.0],
}
CASES = {
    "other programs took 12% of the CPU": {"cpu_others_share": 0.12},
    "other virtual machines took 1.5% of the CPU": {"cpu_steal_share": 0.015},
    "the codec's threads waited for a CPU 30% of their time": {"cpu_waited_share": 0.3},
    "the CPU was too hot 3 times": {"cpu_throttles": 3},
    "8 pages were swapped": {"swapped_pages": 8},
    "101 pages were read from disk": {"major_faults": 101},
    "1 other process on the GPU": {"gpu_foreign_processes": 1},
    "2 other processes on the GPU": {"gpu_foreign_processes": 2},
    "the GPU was slowed down: hw thermal slowdown": {"gpu_reasons": ["hw_thermal_slowdown", "idle"]},
    "the GPU's clocks are not locked: 1200 to 1980 MHz": {"gpu_sm_mhz": [1200.0, 1980.0]},
}


def test_at_the_thresholds_nothing_is_said() -> None:
    assert list_disturbances(QUIET) == []
    assert list_disturbances({}) == []


@pytest.mark.parametrize("message", CASES)
def test_each_disturbance_in_words(message: str) -> None:
    assert list_disturbances(QUIET | CASES[message]) == [message]


def test_a_share_of_a_few_ticks_is_noise() -> None:
    assert list_disturbances({"seconds": 0.1, "cpu_others_share": 0.4}) == []


def test_locked_clocks_and_unknown_ones_are_not_complained_of() -> None:
    moved = {"gpu_sm_mhz": [1200.0, 1980.0]}
    assert list_disturbances(moved | {"gpu_clocks_locked": True}) == list_disturbances(moved) == []


def test_intervals_are_joined() -> None:
    one = {"seconds": 1.0, "cpu_others_share": 0.4, "load_1m": [1.0, 2.0], "gpu_reasons": ["idle"], "major_faults": 1}
    two = {"seconds": 3.0, "cpu_others_share": 0.0, "load_1m": [0.5, 1.0], "gpu_reasons": ["power_cap"]}
    two |= {"major_faults": 2, "gpu_foreign_processes": 1, "gpu_energy_j": 5.0, "gpu_clocks_locked": True}
    three = {"seconds": 0.0, "gpu_foreign_processes": 2, "gpu_energy_j": 1.0, "gpu_clocks_locked": False}
    assert merge_conditions([one, two, three]) == {
        "seconds": 4.0,
        "cpu_others_share": 0.1,
        "load_1m": [0.5, 2.0],
        "gpu_reasons": ["idle", "power_cap"],
        "major_faults": 3,
        "gpu_foreign_processes": 2,
        "gpu_energy_j": 6.0,
        "gpu_clocks_locked": False,
    }
    assert worst_conditions([one, two])["cpu_others_share"] == 0.4
    assert merge_conditions([]) == worst_conditions([]) == {}
