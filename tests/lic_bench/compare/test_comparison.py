"""Whole comparisons of stored runs: the smallest changes are found, what was accepted passes, what differs is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from lic_bench.compare.accepted import Accepted
from lic_bench.compare.comparable import NotComparable
from lic_bench.compare.comparison import Comparison, compare
from lic_bench.compare.gate_file import Gates, read_gates
from lic_bench.compare.gates import Exact, Off, Shown
from lic_bench.compare.verdicts import Verdict
from lic_bench.errors import UserError
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run

Make = Callable[..., Run]
Row = Callable[..., Record]
GATES = read_gates(None)
IMAGES = ("kodim01.png", "kodim02.png", "kodim03.png")


@pytest.fixture
def rows(record: Row) -> list[Record]:
    """Two codecs on three images."""
    return [
        record(codec=codec, image=image, payload_bytes=20_000 + 1000 * number, mse_8bit=31.25 + number)
        for codec in ("jpeg", "webp")
        for number, image in enumerate(IMAGES)
    ]


def entry(metric: str, change: float, codec: str = "jpeg") -> Accepted:
    return Accepted(codec=codec, metric=metric, change=change, who="A. Author", why="meant", date=date(2026, 11, 23))


def only(found: Comparison, verdict: str) -> list[Verdict]:
    return [item for item in found.verdicts if item.verdict == verdict]


def test_a_run_is_the_same_as_itself(stored: Make, rows: list[Record]) -> None:
    base = stored(rows)
    found = compare(base, base, GATES)
    assert {verdict.verdict for verdict in found.verdicts} <= {"SAME", "AMBIGUOUS"}
    assert {verdict.metric for verdict in only(found, "AMBIGUOUS")} <= {"encode_s", "decode_s"}  # of three samples
    assert found.regressions == []
    assert (found.overridden, found.notes, found.reference_ratio) == ([], [], pytest.approx(1.0))


@pytest.mark.parametrize("step", [1, -1], ids=["more", "less"])
@pytest.mark.parametrize(("metric", "least"), [("payload_bytes", 1), ("header_bytes", 1), ("mse_8bit", 1e-6)])
def test_the_smallest_change_of_any_image_is_always_found(
    stored: Make, rows: list[Record], metric: str, least: float, step: int
) -> None:
    base = stored(rows)
    for number, row in enumerate(rows):
        changed = replace(row, **{metric: getattr(row, metric) + step * least})
        new = stored([*rows[:number], changed, *rows[number + 1 :]], name=f"new{number}")
        moved = [v for v in compare(base, new, GATES).verdicts if v.verdict in ("WORSE", "BETTER")]
        assert [(v.codec, v.metric, v.verdict) for v in moved] == [
            (row.codec, metric, "WORSE" if step > 0 else "BETTER")
        ]
        assert f"of 3 images 1 {'up' if step > 0 else 'down'}" in moved[0].words


def test_other_operations_parameters_bitstreams_and_failures_are_found(
    stored: Make, record: Row, complexity: Callable[..., Complexity]
) -> None:
    base = stored([record()], [complexity()])
    for name, rows, counts, metric in (
        ("macs", [record()], [complexity(macs=327_680_001)], "macs"),
        ("parameters", [record()], [complexity(parameters=33_793_001)], "parameters"),
        ("sha256", [record(bitstream_sha256="decaf")], [complexity()], "bitstream_sha256"),
        ("lossy", [record(decode_max_abs=1)], [complexity()], "decode_max_abs"),
        ("failed", [record(status="failed", error="no")], [complexity()], "status"),
    ):
        found = compare(base, stored(rows, counts, name=name), GATES)
        assert [verdict.metric for verdict in found.regressions] == [metric]


def test_what_was_accepted_is_no_regression(stored: Make, rows: list[Record]) -> None:
    new = stored([replace(row, payload_bytes=int(row.payload_bytes or 0) * 21 // 20) for row in rows], name="new")
    base = stored(rows)
    found = compare(base, new, GATES, accepted=[entry("payload_bytes", 0.05)])
    worse = only(found, "WORSE")
    assert [(v.codec, v.metric) for v in worse] == [("jpeg", "payload_bytes"), ("webp", "payload_bytes")]
    assert worse[0].accepted == "accepted by A. Author on 2026-11-23: meant"
    assert found.regressions == worse[1:]
    less = compare(base, new, GATES, accepted=[entry("payload_bytes", change) for change in (0.02, 0.04, 0.03)])
    assert len(less.regressions) == 2
    assert [verdict.accepted_up_to for verdict in only(less, "WORSE")] == [0.04, None]


@pytest.mark.parametrize(("metric", "step"), [("payload_bytes", 1), ("mse_8bit", 1e-6), ("ms_ssim", -1e-7)])
def test_an_image_that_others_hide_is_found_and_any_entry_accepts_it(
    stored: Make, rows: list[Record], metric: str, step: float
) -> None:
    moved = (step, -2 * step, 0)
    changed = [replace(row, **{metric: getattr(row, metric) + by}) for row, by in zip(rows[:3], moved, strict=True)]
    base, new = stored(rows), stored([*changed, *rows[3:]], name="new")
    gates = Gates({"encode_s": Off(), "decode_s": Off(), "*": Exact()})
    (found,) = compare(base, new, gates).regressions
    assert (found.codec, found.metric) == ("jpeg", metric)
    assert "of 3 images 1 up, 1 down" in found.words
    assert not compare(base, new, gates, accepted=[entry(metric, 0.0)]).regressions
    assert compare(base, new, gates, accepted=[entry(metric, 1.0, "webp")]).regressions


def test_what_grew_from_nothing_or_is_missing_is_more_than_any_number(stored: Make, record: Row) -> None:
    base = stored([record()])
    for name, changed, metric in (
        ("lossy", record(decode_max_abs=1), "decode_max_abs"),
        ("missing", record(ms_ssim=None), "ms_ssim"),
    ):
        new = stored([changed], name=name)
        assert compare(base, new, GATES, accepted=[entry(metric, 1000.0)]).regressions
        assert not compare(base, new, GATES, accepted=[entry(metric, float("inf"))]).regressions


def test_a_second_look_is_accepted_as_the_first_was(stored: Make, record: Row) -> None:
    base = stored([record()])
    found = compare(base, base, GATES, accepted=[entry("encode_s", 0.08)])
    again = [replace(v, verdict="WORSE", change=0.07) if v.metric == "encode_s" else v for v in found.verdicts]
    looked = replace(found, verdicts=again)
    assert len(only(looked, "WORSE")) == 1
    assert looked.regressions == []
    more = [replace(v, accepted=None, change=0.09) if v.metric == "encode_s" else v for v in looked.verdicts]
    assert len(replace(looked, verdicts=more).regressions) == 1


def test_what_is_better_or_ambiguous_is_not_accepted_of(stored: Make, rows: list[Record]) -> None:
    new = stored([replace(row, payload_bytes=1) for row in rows], name="new")
    found = compare(stored(rows), new, GATES, accepted=[entry("payload_bytes", 1.0)])
    assert [verdict.accepted for verdict in only(found, "BETTER")] == [None, None]


def test_runs_that_differ_are_refused_and_what_let_them_pass_is_told(stored: Make, record: Row) -> None:
    base = stored([record()])
    new = stored([record()], name="new", fingerprint={"cpu": "Other CPU"}, environment={"git_commit": "fedcba987654"})
    with pytest.raises(NotComparable):
        compare(base, new, GATES)
    found = compare(base, new, GATES, ["machine"])
    assert found.overridden == ["machine: cpu is Example CPU in BASE, Other CPU in NEW"]
    assert found.notes == ["commit: 0123456789ab in BASE, fedcba987654 in NEW"]
    assert (found.base, found.new) == ("base", "new")


def test_nothing_to_compare_is_bad_input(stored: Make, record: Row) -> None:
    base, other = stored([record()]), stored([record(codec="webp")], name="other")
    with pytest.raises(UserError, match="base and other have nothing in common that is compared; look at --gate and"):
        compare(base, other, GATES, ["codecs"])
    with pytest.raises(UserError, match="nothing in common"):
        compare(base, base, Gates({"*": Off()}))


def test_what_failed_in_both_is_said_and_where_all_did_nothing_is_known(stored: Make, record: Row) -> None:
    broken = record(image="b", status="failed", error="no")
    base = stored([record(), broken])
    assert compare(base, base, GATES).notes == ["1 records failed in both, and nothing is known about them: jpeg"]
    with pytest.raises(UserError, match="broken and broken: all 1 records failed in both; nothing was measured"):
        compare(*[stored([broken], name="broken")] * 2, GATES)


def test_the_gates_are_those_given(stored: Make, record: Row) -> None:
    base, new = stored([record()]), stored([record(payload_bytes=1, mse_8bit=99.0)], name="new")
    found = compare(base, new, Gates({"encode_s": Off(), "decode_s": Off(), "*": Shown()}))
    assert {verdict.metric for verdict in only(found, "AMBIGUOUS")} == {"payload_bytes", "mse_8bit"}
    assert {verdict.gate for verdict in found.verdicts} == {"shown"}


def test_a_slower_machine_is_no_slower_codec(stored: Make, record: Row) -> None:
    """20 % longer in all, reference workload and all."""
    samples = [0.050 + number % 7 * 0.0001 for number in range(40)]
    times = {"encode_s": samples, "decode_s": samples, "canary_s": [0.010 + n % 5 * 0.00001 for n in range(40)]}
    slower = {name: [1.2 * second for second in seconds] for name, seconds in times.items()}
    base, new = stored([record(**times)]), stored([record(**slower)], name="new")
    found = compare(base, new, GATES)
    assert found.reference_ratio == pytest.approx(1.2)
    assert {v.verdict for v in found.verdicts if v.metric in ("encode_s", "decode_s")} == {"SAME"}
    doubled = stored([record(**(times | {"encode_s": [2 * second for second in samples]}))], name="slow codec")
    assert [verdict.metric for verdict in compare(base, doubled, GATES).regressions] == ["encode_s"]
    drifted = stored([record(**(times | {"encode_s": slower["encode_s"]}))], name="slower codec")
    (verdict,) = (v for v in compare(base, drifted, GATES).verdicts if v.metric == "encode_s")
    assert (verdict.verdict, verdict.words) == ("AMBIGUOUS", "slower at one look; --confirm decides")
