"""What two runs have in common, and what of it is compared."""

from collections.abc import Callable

import numpy as np
import pytest

from lic_bench.compare.paired_values import (
    Subject,
    Times,
    Values,
    paired_values,
    reference_ratio,
)
from lic_bench.compare.statistics import Apart
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run

Make = Callable[..., Run]
Row = Callable[..., Record]
MIB = 2**20


def by_metric(base: Run, new: Run, codec: str = "jpeg") -> dict[str, Values | Times]:
    return {item.subject.metric: item for item in paired_values(base, new) if item.subject.codec == codec}


def pairs(base: Run, new: Run, metric: str) -> tuple[tuple[object, object], ...]:
    found = by_metric(base, new)[metric]
    assert isinstance(found, Values)
    return found.pairs


def test_every_number_of_a_record(stored: Make, record: Row) -> None:
    found = by_metric(stored([record()]), stored([record(payload_bytes=9)], name="new"))
    assert list(found) == [
        *("status", "payload_bytes", "header_bytes", "bitstream_sha256", "mse_8bit", "ms_ssim", "decode_max_abs"),
        *("peak_encode_rss", "peak_encode_rss_growth", "peak_weights", "encode_s", "decode_s"),
    ]
    assert found["payload_bytes"] == Values(
        subject=Subject(codec="jpeg", quality=50, on="kodak", metric="payload_bytes"),
        pairs=((20_000, 9),),
    )


def test_times_are_logarithms_over_the_reference_workload(stored: Make, record: Row) -> None:
    rows = [
        record(image=name, encode_s=[0.1 * k, 0.3 * k], decode_s=[], canary_s=[0.01, 0.02])
        for k, name in enumerate("abc", 1)
    ]
    found = by_metric(stored(rows), stored(rows, name="new"))["encode_s"]
    assert isinstance(found, Times)
    assert isinstance(found.evidence, Apart)
    assert len(found.evidence.strata) == 3
    series, _ = found.evidence.strata[1]
    assert np.exp(series.samples) == pytest.approx([0.2, 0.6])
    assert np.exp(series.reference) == pytest.approx([0.01, 0.02])
    assert (found.base_s, found.new_s) == pytest.approx((0.24, 0.24))  # of the image in the middle


def test_operations_are_compared_by_counter_path_and_size(
    stored: Make, record: Row, complexity: Callable[..., Complexity]
) -> None:
    counts = [complexity(), complexity(path="encode"), complexity(counter="thop", parameters=1)]
    more = [complexity(counter="fvcore"), complexity(height=64, width=64)]
    base, new = stored([record()], [*counts, *more]), stored([record()], counts, name="new")
    found = [item.subject for item in paired_values(base, new) if item.subject.codec == "elic"]
    assert {subject.on for subject in found} == {
        "exact, forward, 768x512",
        "exact, encode, 768x512",
        "thop, forward, 768x512",
    }
    assert [subject.metric for subject in found[:3]] == ["status", "macs", "parameters"]


def test_a_counter_that_failed_has_a_status_only(
    stored: Make, record: Row, complexity: Callable[..., Complexity]
) -> None:
    """What else it says, as no parameters at all, is not measured."""
    failed = complexity(status="failed", macs=None, parameters=0, error="RuntimeError")
    good, bad = stored([record()], [complexity()]), stored([record()], [failed], name="new")
    for base, new, expected in ((good, bad, ("ok", "failed")), (bad, good, ("failed", "ok"))):
        found = by_metric(base, new, "elic")
        assert list(found) == ["status"]
        assert found["status"].pairs == (expected,)


def test_what_failed_in_one_run_has_a_status_only(stored: Make, record: Row) -> None:
    rows = [record(image=name, payload_bytes=size) for name, size in (("a", 10), ("b", 20), ("c", 30))]
    failed = record(image="b", status="failed", error="no")
    for base, new in ((rows, [rows[0], failed, rows[2]]), ([rows[0], failed, rows[2]], rows)):
        runs = stored(base, name=f"base{len(base[1].encode_s)}"), stored(new, name=f"new{len(new[1].encode_s)}")
        assert pairs(*runs, "payload_bytes") == ((10, 10), (30, 30))
        assert pairs(*runs, "status") == tuple((old.status, now.status) for old, now in zip(base, new, strict=True))
        times = by_metric(*runs)["encode_s"]
        assert isinstance(times, Times)
        assert len(times.evidence.strata) == 2


def test_where_all_failed_there_is_only_a_status(stored: Make, record: Row) -> None:
    failed = record(status="failed", error="no")
    assert list(by_metric(stored([failed]), stored([record()], name="new"))) == ["status"]
    assert list(by_metric(stored([record()], name="was"), stored([failed], name="is"))) == ["status"]


def test_none_and_nan_are_nothing(stored: Make, record: Row) -> None:
    """Of images under 161 pixels there is no MS-SSIM; pandas makes NaN of it beside numbers."""
    rows = [record(image="large"), record(image="small", ms_ssim=None)]
    base, new = stored(rows), stored(rows, name="new")
    assert pairs(base, new, "ms_ssim") == ((0.9875, 0.9875), (None, None))
    small = stored(rows[1:], name="small")
    assert "ms_ssim" not in by_metric(small, small)


def test_what_new_lacks_is_told(stored: Make, record: Row) -> None:
    base = stored([record(image="a"), record(image="b")])
    new = stored([record(image="a"), record(image="b", ms_ssim=None, encode_s=[])], name="new")
    assert pairs(base, new, "ms_ssim") == ((0.9875, 0.9875), (0.9875, None))
    assert pairs(base, new, "encode_s") == ((0.051, 0.051), (0.051, None))
    assert "encode_s" in by_metric(new, base)  # on the image on which both have times


def test_times_without_a_reference_are_not_compared(stored: Make, record: Row) -> None:
    """As runs of earlier protocols have them."""
    old = record(canary_s=[])
    assert "encode_s" not in by_metric(stored([old]), stored([old], name="new"))


def test_a_reference_that_only_new_lacks_is_told(stored: Make, record: Row) -> None:
    base, new = stored([record()]), stored([record(canary_s=[])], name="new")
    assert pairs(base, new, "encode_s") == ((0.051, None),)


def test_what_one_run_was_not_to_measure_is_left_out(stored: Make, record: Row) -> None:
    bare = record(encode_s=[], decode_s=[], canary_s=[], peak_memory_bytes={})
    base, new = stored([record()]), stored([bare], name="new", config={"measure": ["quality"]})
    assert list(by_metric(base, new))[-1] == "decode_max_abs"
    assert "mse_8bit" in by_metric(base, new)
    lean = stored([record(mse_8bit=None, ms_ssim=None)], name="lean", config={"measure": ["latency", "memory"]})
    assert {"mse_8bit", "ms_ssim"}.isdisjoint(by_metric(base, lean))


def test_memory_that_all_codecs_share_is_compared_between_the_same_codecs_only(stored: Make, record: Row) -> None:
    kinds = ("weights", "encode_rss", "encode_rss_growth", "encode_children_rss", "encode_allocated")
    memory = dict.fromkeys(kinds, MIB)
    rows = [record(codec=codec, peak_memory_bytes=memory) for codec in ("jpeg", "webp")]
    two, one = stored(rows), stored(rows[:1], name="one")
    alone = stored(rows[:1], name="alone", config={"isolate": True})
    both = stored(rows, name="both", config={"isolate": True})
    own = {"peak_weights", "peak_encode_rss_growth", "peak_encode_children_rss"}

    def peaks(base: Run, new: Run) -> set[str]:
        return {name for name in by_metric(base, new) if name.startswith("peak_")}

    assert peaks(two, one) == peaks(one, two) == own
    assert peaks(two, two) == peaks(both, alone) == {f"peak_{kind}" for kind in kinds}


@pytest.mark.parametrize("kind", ["encode_children_rss", "decode_nvml_process", "decode_nvml_process_growth"])
def test_what_sampling_may_not_see_is_compared_where_it_was_seen(stored: Make, record: Row, kind: str) -> None:
    seen, unseen = ({"peak_memory_bytes": memory} for memory in ({kind: MIB}, {}))
    base = stored([record(image="a", **seen), record(image="b", **seen)])
    new = stored([record(image="a", **unseen), record(image="b", **seen)], name="new")
    assert pairs(base, new, f"peak_{kind}") == ((MIB, MIB),)
    never = stored([record(image="a", **unseen), record(image="b", **unseen)], name="never")
    assert pairs(base, never, f"peak_{kind}") == ((MIB, None), (MIB, None))


def test_a_codec_that_only_one_run_has_is_not_compared(stored: Make, record: Row) -> None:
    base = stored([record(), record(codec="webp"), record(quality=75)])
    new = stored([record(), record(codec="avif"), record(dataset="clic")], name="new")
    assert {(item.subject.codec, item.subject.quality, item.subject.on) for item in paired_values(base, new)} == {
        ("jpeg", 50, "kodak")
    }


def test_the_order_is_by_codec_and_quality(stored: Make, record: Row) -> None:
    rows = [record(codec=codec, quality=q) for codec in ("webp", "jpeg") for q in (75, 9)]
    found = paired_values(stored(rows), stored(rows[::-1], name="new"))
    keys = [(item.subject.codec, item.subject.quality) for item in found]
    assert list(dict.fromkeys(keys)) == [("jpeg", 9), ("jpeg", 75), ("webp", 9), ("webp", 75)]
    assert keys == sorted(keys)


def test_the_ratio_of_the_reference_workload(stored: Make, record: Row) -> None:
    none: dict[str, list[float]] = {"encode_s": [], "decode_s": []}
    base = stored([record(image="a", canary_s=[0.010, 0.010], **none), record(image="b", canary_s=[0.012], **none)])
    new = stored([record(image="a", canary_s=[0.012, 0.012, 0.020], **none)], name="new")
    assert reference_ratio(base, new) == pytest.approx(1.2)
    assert reference_ratio(base, stored([record(canary_s=[])], name="none")) is None
