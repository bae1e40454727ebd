"""Numbers with their units and enough digits; the outcome and what to do next in true sentences."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.output import wording
from lic_bench.compare.verdicts import Verdict

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("metric", "base", "new", "shown"),
    [
        ("encode_s", 0.01231, 0.0134, ("12.31 ms", "13.40 ms")),
        ("encode_s", 0.000123, 0.001, ("0.123 ms", "1.000 ms")),
        ("decode_s", 21.448, 23.21, ("21.45 s", "23.21 s")),
        ("decode_s", 0.98, 1.02, ("0.980 s", "1.020 s")),
        ("payload_bytes", 27832.0, 27833.0, ("27832 B", "27833 B")),
        ("payload_bytes", 27832.0, 27832 + 1 / 24, ("27832.00 B", "27832.04 B")),
        ("peak_encode_rss", 832_393_216.0, 832_393_217.0, ("832.393216 MB", "832.393217 MB")),
        ("macs", 286.16e9, 286.16e9, ("286.2 GMAC", "286.2 GMAC")),
        ("macs", 2_500_000.0, 2_500_001.0, ("2.500000 MMAC", "2.500001 MMAC")),
        ("macs", 500.0, 600.0, ("500 MAC", "600 MAC")),
        ("parameters", 63_240_000.0, 63_240_000.0, ("63.24 M", "63.24 M")),
        ("parameters", 12.0, 13.0, ("12", "13")),
        ("mse_8bit", 31.25, 31.25 * (1 + 1e-6), ("31.25000", "31.25003")),
        ("ms_ssim", 0.9875, 0.9875, ("0.9875", "0.9875")),
        ("decode_max_abs", 0.0, 3.0, ("0", "3")),
        ("mse_8bit", 0.0, 1e-9, ("0", "1e-09")),
        ("bitstream_sha256", None, None, ("-", "-")),
        ("mse_8bit", None, 1.5, ("-", "1.500")),
    ],
)
def test_numbers_have_their_unit_and_the_digits_that_tell_them_apart(
    verdict: Make, metric: str, base: float | None, new: float | None, shown: tuple[str, str]
) -> None:
    assert wording.numbers_of(verdict(metric=metric, base=base, new=new)) == shown


@settings(deadline=None)
@given(base=st.floats(1e-12, 1e12), step=st.floats(1e-15, 1.0), metric=st.sampled_from(["mse_8bit", "macs", "x_bytes"]))
@example(base=1.0, step=3e-16, metric="mse_8bit")
def test_what_is_not_equal_never_looks_equal(verdict: Make, base: float, step: float, metric: str) -> None:
    new = base * (1 + step)
    shown = wording.numbers_of(verdict(metric=metric, base=base, new=new))
    assert (shown[0] == shown[1]) == (base == new)


@settings(deadline=None)
@given(value=st.floats(1e-9, 1e12), metric=st.sampled_from(["encode_s", "mse_8bit", "macs", "peak_x", "parameters"]))
def test_a_number_is_read_back_within_its_digits(verdict: Make, value: float, metric: str) -> None:
    number, _, unit = wording.numbers_of(verdict(metric=metric, base=value, new=value))[0].partition(" ")
    scale = {"ms": 1e-3, "MB": 1e6, "GMAC": 1e9, "G": 1e9, "MMAC": 1e6, "M": 1e6}.get(unit, 1.0)
    assert math.isclose(float(number) * scale, value, rel_tol=6e-4)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (0.0812, "+8.1 %"),
        (-0.2412, "-24.1 %"),
        (1.5e-6, "+0.00015 %"),
        (-1e-9, "-1e-07 %"),
        (0.0, "0.0 %"),
        (None, "-"),
        (35.0, "+3500 %"),
        (4.5e7, "+4.5e+09 %"),
    ],
)
def test_changes_in_percent(verdict: Make, change: float | None, shown: str) -> None:
    assert wording.change_of(verdict(change=change)) == shown


def test_what_has_no_samples_has_no_interval_and_no_p(verdict: Make) -> None:
    exact = verdict(metric="payload_bytes", base=1.0, new=2.0, change=1.0)
    assert (wording.interval_of(exact), wording.p_of(exact)) == ("", "")
    timed = verdict(low=-0.011, high=0.0531, p=0.0123)
    assert (wording.interval_of(timed), wording.p_of(timed)) == ("-1.1..+5.3 %", "0.012")
    assert wording.p_of(verdict(p=0.0009)) == "<0.001"


def test_times_say_whether_they_were_measured_once(verdict: Make) -> None:
    for word in ("WORSE", "BETTER"):
        assert wording.words_of(verdict(verdict=word, words="w")) == "w; measured once"
        assert wording.words_of(verdict(verdict=word, words="w", confirmed=True)) == "w"
        assert wording.words_of(verdict(verdict=word, words="w", metric="macs")) == "w"
    assert wording.words_of(verdict(verdict="SAME", words="w")) == "w"


def test_how_much_was_accepted_is_said_where_it_was_not_enough(verdict: Make) -> None:
    worse = verdict(metric="payload_bytes", words="+1", accepted_up_to=1e-5)
    assert wording.words_of(worse) == "+1; accepted only up to 0.001 %"


def test_who_accepted_a_change_is_named(verdict: Make) -> None:
    accepted = verdict(verdict="WORSE", metric="macs", words="w", accepted="accepted by Ada on 2026-11-22: why")
    assert wording.words_of(accepted) == "w; accepted by Ada on 2026-11-22: why"
    assert wording.class_of(accepted) == "ACCEPTED"


def test_what_a_second_look_found_the_same_stands_out(verdict: Make) -> None:
    assert not wording.stands_out(verdict())
    assert wording.stands_out(verdict(confirmed=False))
    assert wording.stands_out(verdict(verdict="AMBIGUOUS"))
    same = [verdict(), verdict(confirmed=False), verdict(codec="[x]\n"), verdict(quality=3)]
    assert wording.same_of(same) == ["lalic: 2 numbers the same", "[x] : 1 number the same"]


def test_what_regressed_comes_first_and_the_rest_keeps_its_order(mixed: Comparison) -> None:
    rows = wording.ordered(mixed.verdicts)
    kinds = ["WORSE"] * 3 + ["ACCEPTED", "BETTER", "AMBIGUOUS", "SAME", "SAME", "SAME"]
    assert [wording.class_of(row) for row in rows] == kinds
    assert [row.metric for row in rows[:3]] == ["encode_s", "payload_bytes", "bitstream_sha256"]


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(1.031, "took 3.1 % longer in NEW than in BASE"), (0.9, "took 10.0 % less time in NEW"), (1.0001, "took as long")],
)
def test_how_the_machine_moved(comparison: Make, verdict: Make, ratio: float, said: str) -> None:
    assert said in wording.circumstances(comparison(verdict(), reference_ratio=ratio))[-1]
    assert wording.circumstances(comparison(verdict())) == []


def test_the_outcome_counts_everything(mixed: Comparison, comparison: Make, verdict: Make) -> None:
    said = "Regression: 3 worse, 1 worse and accepted, 1 better, 1 ambiguous, 3 the same."
    assert wording.outcome(mixed) == said
    assert wording.outcome(comparison(verdict())) == "No regression: 1 the same."


def test_the_advice_is_what_is_left_to_do(comparison: Make, verdict: Make) -> None:
    slower = {"verdict": "WORSE", "change": 0.08, "low": 0.07, "high": 0.09, "least": 0.03}

    def advice(*verdicts: Verdict) -> str:
        return " ".join(wording.advice(comparison(*verdicts)))

    assert "--confirm" in advice(verdict(**slower))
    assert "--confirm" in advice(verdict(**{**slower, "verdict": "AMBIGUOUS"}))
    assert "--confirm" not in advice(verdict(**slower, confirmed=True))
    assert "results/accepted.toml" in advice(verdict(**slower, confirmed=True))
    assert "--confirm" not in advice(verdict(**slower, accepted="x"))
    assert advice(verdict(), verdict(**slower, accepted="x")) == ""
    assert "--confirm" not in advice(verdict(**{**slower, "metric": "macs", "gate": "exact"}))


def test_the_caption_speaks_of_times_where_there_are_some(verdict: Make) -> None:
    assert "times" not in wording.caption([verdict(metric="macs")])
    assert "10 % quantile" in wording.caption([verdict()])
    assert "Of those measured again" not in wording.caption([verdict()])
    assert "Of those measured again" in wording.caption([verdict(confirmed=True)])


@settings(deadline=None)
@given(text=st.text(st.characters()))
def test_plain_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = wording.plain(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert wording.plain(shown) == shown
