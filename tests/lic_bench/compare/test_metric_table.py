"""The table of metrics: it knows every number of a stored run, and its rows agree with the records."""

from dataclasses import fields

import pytest

from lic_bench.compare.gates import Exact, Off, Shown, Timed, Tolerance
from lic_bench.compare.metric_table import BYTES, NAMES, SECONDS, TABLE, TIMES, metric_of
from lic_bench.store.records import Complexity, Record


def test_its_fields_are_those_of_the_rows() -> None:
    for metric in TABLE:
        if metric.field_of is not None:
            row = Record if metric.field_of == "record" else Complexity
            assert metric.name in {field.name for field in fields(row)}
        assert metric.part is None or metric.part in ("quality", "latency", "memory", "complexity")


def test_every_number_has_a_direction_and_texts_have_none() -> None:
    assert {name for name in NAMES if metric_of(name).better is None} == {"bitstream_sha256"}
    assert {name for name in NAMES if metric_of(name).better == "higher"} == {"ms_ssim"}


def test_units_follow_from_names() -> None:
    assert {name for name in NAMES if metric_of(name).unit == SECONDS} == {"encode_s", "decode_s"} == set(TIMES)
    for name in NAMES:
        assert (metric_of(name).unit == BYTES) == (name.endswith("_bytes") or name.startswith("peak_"))


@pytest.mark.parametrize(
    ("name", "sampled", "shared"),
    [
        ("peak_weights", False, False),
        ("peak_encode_rss", False, True),
        ("peak_encode_rss_growth", False, False),
        ("peak_encode_allocated", False, True),
        ("peak_decode_children_rss", True, False),
        ("peak_decode_nvml_process", True, True),
        ("peak_decode_nvml_process_growth", True, False),
        ("peak_decode_nvml_device", True, True),
        ("payload_bytes", False, False),
        ("encode_s", False, False),
    ],
)
def test_which_memory_is_sampled_or_shared(name: str, sampled: bool, shared: bool) -> None:
    metric = metric_of(name)
    assert (metric.name, metric.is_sampled, metric.is_shared) == (name, sampled, shared)


def test_what_judges_what() -> None:
    kinds = {Exact, Tolerance, Timed, Shown, Off}
    for name, judging in (
        ("encode_s", {Timed, Shown, Off}),
        ("status", {Exact, Shown, Off}),
        ("bitstream_sha256", {Exact, Shown, Off}),
        ("macs", {Exact, Tolerance, Shown, Off}),
    ):
        assert {kind for kind in kinds if metric_of(name).accepts(kind)} == judging
    assert all(metric_of(name).accepts(type(metric_of(name).gate)) for name in NAMES)
