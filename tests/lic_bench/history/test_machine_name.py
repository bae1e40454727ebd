import pytest

from lic_bench.history.machine_name import machine_name, short_hash, software_hash

XEON = {
    "cpu": "Intel(R) Xeon(R) Gold 6430 CPU @ 2.10GHz",
    "cores_usable": 32,
    "processor": {"governor": "performance", "turbo": False, "min_mhz": None},
    "limits": {"cpu_limit": None, "memory_limit_bytes": None},
    "gpu": None,
}


def test_the_name_is_pinned_as_another_would_split_every_series() -> None:
    assert machine_name(XEON) == "intel-xeon-gold-6430-32-cores-f892f55a"


def test_a_gpu_names_the_machine() -> None:
    assert machine_name(XEON | {"gpu": "NVIDIA H200"}).startswith("nvidia-h200-32-cores-")


@pytest.mark.parametrize(
    "later",
    [
        {"torch": "2.16.0", "packages": {"numpy": "2"}, "lic_bench": "0.2.0", "kernels": {"lalic": "cpu"}},
        {"gpu_parts": {"mig": None, "cuda": None}, "driver": None, "cpu_capability": None},
        {"processor": {"governor": "performance", "turbo": False}},
    ],
)
def test_software_and_what_is_not_told_do_not_change_the_name(later: dict[str, object]) -> None:
    assert machine_name(XEON | later) == machine_name(XEON)


@pytest.mark.parametrize(
    "other", [{"cores_usable": 16}, {"processor": {"governor": "powersave", "turbo": False}}, {"driver": "550.1"}]
)
def test_another_machine_or_clock_policy_has_another_name(other: dict[str, object]) -> None:
    assert machine_name(XEON | other) != machine_name(XEON)


def test_a_machine_that_tells_nothing_has_a_name() -> None:
    assert machine_name({}).startswith("unknown-")


def test_software_is_that_of_the_codec() -> None:
    programs = {"programs": {"hevc": ["x265 4.3", "ab"], "av1": ["3.15", "cd"]}}
    newer = {"programs": {"hevc": ["x265 4.4", "ab"], "av1": ["3.15", "cd"]}}
    assert software_hash(programs, "hevc") != software_hash(newer, "hevc")
    assert software_hash(programs, "av1") == software_hash(newer, "av1")
    assert software_hash({"torch": "2.15"}, "av1") != software_hash({"torch": "2.16"}, "av1")


def test_a_hash_does_not_know_the_order_of_names() -> None:
    assert short_hash({"a": 1, "b": [1, None]}) == short_hash({"b": [1, None], "a": 1})
    assert short_hash([1, 2]) != short_hash([2, 1])
    assert short_hash(False) != short_hash(None)
