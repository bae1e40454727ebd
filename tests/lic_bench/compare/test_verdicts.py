"""The verdicts: each branch by hand, and what they find and do not find on machines as noisy as real ones."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.compare import confirm as second_look
from lic_bench.compare.confirm import LOOKS, STARTS, undecided
from lic_bench.compare.gate_file import Gates, read_gates
from lic_bench.compare.gates import Exact, Gate, Off, Shown, Timed, Tolerance
from lic_bench.compare.paired_values import Subject, Times, Values
from lic_bench.compare.statistics import Apart, Evidence, Floats, Paired, Series, side_by_side
from lic_bench.compare.verdicts import Verdict, adjusted_p, confirm_verdicts, judge

COMPARISONS = 50
LUCK = 0.005
SLOWDOWN = math.log(1.05)
DRIFT = math.log(1.2)


def subject(metric: str, codec: str = "jpeg") -> Subject:
    return Subject(codec=codec, quality=50, on="kodak", metric=metric)


def values(metric: str, *pairs: tuple[object, object], gate: Gate | None = None) -> Verdict:
    gates = read_gates(None) if gate is None else Gates({"*": gate})
    return judge([Values(subject=subject(metric), pairs=pairs)], gates)[0]


def said(verdict: Verdict) -> tuple[str, str]:
    return verdict.verdict, verdict.words


# Numbers


def test_equal_numbers_are_the_same() -> None:
    found = values("payload_bytes", (20_000, 20_000), (21_000, 21_000))
    assert said(found) == ("SAME", "equal")
    assert (found.base, found.new, found.change, found.gate) == (20_500, 20_500, 0.0, "exact")
    assert not found.fails


@pytest.mark.parametrize("metric", ["payload_bytes", "ms_ssim"])
@pytest.mark.parametrize("step", [1, -1])
def test_which_way_is_worse_depends_on_the_metric(metric: str, step: int) -> None:
    found = values(metric, (20_000, 20_000 + step), gate=Exact())
    assert said(found) == ("WORSE" if (step > 0) == (metric == "payload_bytes") else "BETTER", f"{step:+d}")
    assert found.change == pytest.approx(step / 20_000)
    assert found.fails == (found.verdict == "WORSE")


def test_the_words_say_how_many_images_moved_which_way() -> None:
    assert said(values("payload_bytes", (10, 13), (10, 10), (10, 10))) == ("WORSE", "mean +1, of 3 images 1 up")
    assert said(values("payload_bytes", (10, 6), (10, 6), (10, 10))) == ("BETTER", "mean -2.66667, of 3 images 2 down")
    assert said(values("payload_bytes", (10, 11), (10, 6))) == ("WORSE", "mean -1.5, of 2 images 1 up, 1 down")


@pytest.mark.parametrize("metric", ["mse_8bit", "ms_ssim"])
@pytest.mark.parametrize("back", [1e-6, -1e-6, -2e-6, -5.0])
def test_an_image_that_got_worse_is_worse_whatever_the_others_did(metric: str, back: float) -> None:
    """Be it that both change the mean by nothing but rounding, and that it got better."""
    sign = 1 if metric == "mse_8bit" else -1
    pairs = [(31.3, 31.3 + sign * 1e-6), (27.1, 27.1 + sign * back), (29.9, 29.9)]
    for ordered in (pairs, pairs[::-1]):
        assert values(metric, *ordered, gate=Exact()).verdict == "WORSE"
        assert values(metric, *ordered, gate=Tolerance(absolute=1e-5)).verdict == ("BETTER" if back == -5.0 else "SAME")
        assert values(metric, *ordered, gate=Shown()).verdict == "AMBIGUOUS"


@pytest.mark.parametrize("step", [1, -1])
def test_a_step_that_rounding_hides_in_the_mean_is_found(step: int) -> None:
    """Of 24 images near 1e9 one moves by the least that a float of its size can: the mean stays what it was."""
    after = math.nextafter(1e-3, step)
    pairs = [(1e9, 1e9)] * 23 + [(1e-3, after)]
    assert np.mean([before for before, _ in pairs]) == np.mean([new for _, new in pairs])
    assert values("mse_8bit", *pairs).verdict == ("WORSE" if step > 0 else "BETTER")


def test_a_number_that_was_zero_has_no_relative_change() -> None:
    found = values("decode_max_abs", (0, 2), (0, 0))
    assert said(found) == ("WORSE", "mean +1, of 2 images 1 up")
    assert (found.base, found.new, found.change) == (0, 1, None)
    assert values("decode_max_abs", (0, 0)).change == 0.0


@pytest.mark.parametrize(
    ("gate", "new", "verdict"),
    [
        (Tolerance(absolute=5), 105, "SAME"),
        (Tolerance(absolute=5), 106, "WORSE"),
        (Tolerance(absolute=5), 94, "BETTER"),
        (Tolerance(relative=0.1), 110, "SAME"),
        (Tolerance(relative=0.1, absolute=5), 110, "SAME"),  # the larger of the two
        (Tolerance(relative=0.01, absolute=5), 105, "SAME"),
        (Tolerance(relative=0.01, absolute=5), 107, "WORSE"),
        (Tolerance(), 101, "WORSE"),
        (Exact(), 101, "WORSE"),
        (Shown(), 101, "AMBIGUOUS"),
        (Shown(), 99, "AMBIGUOUS"),
        (Shown(), 100, "SAME"),
    ],
)
def test_gates_of_numbers(gate: Gate, new: int, verdict: str) -> None:
    found = values("macs", (100, new), gate=gate)
    assert (found.verdict, found.gate) == (verdict, gate.name)
    assert ("shown, not gated" in found.words) == (verdict == "AMBIGUOUS")


def test_a_tolerance_is_told_as_a_relative_threshold() -> None:
    assert values("macs", (200, 200), gate=Tolerance(relative=0.01, absolute=5)).threshold == 0.025
    assert values("macs", (0, 0), gate=Tolerance(absolute=5)).threshold is None
    assert said(values("ms_ssim", (0.5, 0.5 - 5e-7)))[0] == "SAME"
    assert said(values("ms_ssim", (0.5, 0.5 - 5e-6)))[0] == "WORSE"


def test_what_is_off_has_no_verdict() -> None:
    assert judge([Values(subject=subject("macs"), pairs=((1, 2),))], Gates({"*": Off()})) == []


def test_what_is_missing_in_new_is_worse() -> None:
    found = values("ms_ssim", (0.9, None), (0.8, 0.8))
    assert said(found) == ("WORSE", "missing in NEW on 1 of 2 images")
    assert (found.base, found.new, found.change) == (pytest.approx(0.85), None, None)
    assert said(values("bitstream_sha256", ("a", None))) == ("WORSE", "missing in NEW")
    assert said(values("encode_s", (0.1, None))) == ("WORSE", "missing in NEW")
    assert values("macs", (1, None), gate=Shown()).verdict == "AMBIGUOUS"


def test_what_base_lacks_is_left_out() -> None:
    found = values("ms_ssim", (None, 0.1), (0.8, 0.8))
    assert said(found) == ("SAME", "equal")
    assert found.base == 0.8


# Texts


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("ok", "ok"), ("failed", "failed")], ("SAME", "equal")),
        ([("ok", "failed")], ("WORSE", "failed")),
        ([("ok", "ok"), ("ok", "failed")], ("WORSE", "failed on 1 of 2 images")),
        ([("failed", "ok")], ("BETTER", "ok, had failed")),
        ([("failed", "ok"), ("failed", "failed"), ("ok", "ok")], ("BETTER", "ok on 1 of 3 images, had failed")),
        ([("failed", "ok"), ("ok", "failed")], ("WORSE", "failed on 1 of 2 images")),
    ],
)
def test_status(pairs: list[tuple[str, str]], expected: tuple[str, str]) -> None:
    assert said(values("status", *pairs)) == expected


def test_another_bitstream_is_worse() -> None:
    assert said(values("bitstream_sha256", ("a", "a"), ("b", "b"))) == ("SAME", "equal")
    assert said(values("bitstream_sha256", ("a", "a"), ("b", "c"))) == ("WORSE", "other on 1 of 2 images")
    assert values("bitstream_sha256", ("b", "c"), gate=Shown()).verdict == "AMBIGUOUS"
    assert values("status", ("ok", "failed"), gate=Shown()).verdict == "AMBIGUOUS"
    assert values("status", ("failed", "ok"), gate=Shown()).verdict == "AMBIGUOUS"


# Times


def timed(found: Evidence, metric: str = "encode_s", codec: str = "jpeg") -> Times:
    return Times(subject=subject(metric, codec), evidence=found, base_s=0.05, new_s=0.06)


def turns(effect: float, noise: float = 0.001, count: int = 12) -> Paired:
    """Of two images, after as many starts."""
    rng = np.random.default_rng(0)
    return Paired([effect + rng.normal(0, noise, 2) for _ in range(count)])


def judged(found: Evidence, gate: Gate | None = None) -> Verdict:
    return judge([timed(found)], read_gates(None) if gate is None else Gates({"*": gate}))[0]


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (0.00, ("SAME", "within 3.0 %")),
        (0.02, ("SAME", "within 3.0 %")),
        (0.08, ("WORSE", "slower")),
        (-0.08, ("BETTER", "faster")),
    ],
)
def test_clear_times(effect: float, expected: tuple[str, str]) -> None:
    found = judged(turns(effect))
    assert said(found) == expected
    assert found.change == pytest.approx(math.expm1(effect), abs=0.001)
    assert found.low is not None
    assert found.high is not None
    assert found.change is not None
    assert found.low < found.change < found.high
    assert (found.base, found.new, found.threshold, found.least) == (0.05, 0.06, pytest.approx(0.03), 0.03)
    assert (found.gate, found.confirmed, found.accepted) == ("timed", None, None)


def test_times_that_allow_no_verdict() -> None:
    assert said(judged(Paired([np.asarray([effect]) for effect in (0.05, 0.06, 0.2)]))) == (
        "AMBIGUOUS",
        "not significant",
    )
    assert said(judged(turns(0.02, noise=0.06))) == ("AMBIGUOUS", "may be beyond 3.0 %")
    assert said(judged(turns(0.05, noise=0.001), Timed(least=0.03, mads=1000)))[0] == "AMBIGUOUS"
    assert "too noisy: counts from" in judged(turns(0.05, noise=0.001), Timed(least=0.03, mads=1000)).words
    single = judged(Paired([np.asarray([0.0])]))
    assert said(single) == ("AMBIGUOUS", "may be beyond 3.0 %")
    assert (single.low, single.high, single.p) == (-1.0, math.inf, 1.0)


def test_runs_apart_are_one_look_and_count_where_they_differ_by_much() -> None:
    def apart(ratio: float) -> Verdict:
        series = Series(np.log(0.05 + np.arange(40) % 5 * 1e-4), np.full(40, np.log(0.01)))
        return judged(Apart([(series, Series(series.samples + np.log(ratio), series.reference))]))

    assert said(apart(1.08)) == ("AMBIGUOUS", "slower at one look; --confirm decides")
    assert said(apart(0.92)) == ("AMBIGUOUS", "faster at one look; --confirm decides")
    assert said(apart(1.3)) == ("WORSE", "slower")
    assert said(apart(0.7)) == ("BETTER", "faster")
    assert said(apart(1.01)) == ("SAME", "within 3.0 %")


def test_the_gate_says_what_counts() -> None:
    assert judged(turns(0.08), Timed(least=0.10)).verdict == "SAME"
    assert judged(turns(0.02), Timed(least=0.01)).verdict == "WORSE"
    assert judged(turns(0.08), Timed(alpha=0.0)).verdict == "AMBIGUOUS"
    assert said(judged(turns(0.08), Shown())) == ("AMBIGUOUS", "slower; shown, not gated")
    assert said(judged(turns(-0.08), Shown())) == ("AMBIGUOUS", "faster; shown, not gated")
    assert judged(turns(0.0), Shown()).verdict == "SAME"
    assert judge([timed(turns(0.08))], Gates({"*": Off()})) == []


def test_p_is_corrected_for_all_times_that_are_compared() -> None:
    one = timed(Paired([np.asarray([effect]) for effect in (0.05, 0.055, 0.06)]))
    others = [timed(turns(0.0), codec=f"codec{number}") for number in range(20)]
    alone, among = (judge([one, *more], read_gates(None))[0] for more in ([], others))
    assert alone.p == pytest.approx(0.00274, abs=1e-5)
    assert among.p is not None
    assert among.p > 0.05
    assert (alone.verdict, among.verdict) == ("WORSE", "AMBIGUOUS")


@given(st.lists(st.floats(0, 1), max_size=30))
@settings(deadline=None)
def test_p_is_corrected_as_benjamini_and_hochberg_do(p: list[float]) -> None:
    """By their formula: p times the number of tests over the rank of p, and no larger than that of any larger p."""
    values, count = np.asarray(p), len(p)
    order = np.argsort(values)[::-1]
    expected = np.empty(count)
    expected[order] = np.minimum(np.minimum.accumulate(values[order] * count / np.arange(count, 0, -1)), 1.0)
    assert adjusted_p(p) == pytest.approx(expected, rel=1e-15, abs=1e-300)  # scipy multiplies in another order


def test_verdicts_come_in_the_order_of_what_was_found() -> None:
    found = [
        Values(subject=subject("macs"), pairs=((1, 2),)),
        timed(turns(0.0)),
        timed(turns(0.0), "decode_s"),
    ]
    verdicts = judge(found, read_gates(None))
    assert [verdict.subject for verdict in verdicts] == [item.subject for item in found]
    assert judge([], read_gates(None)) == []


# The second look


def test_the_second_look_counts() -> None:
    worse, same, better = (judged(turns(effect)) for effect in (0.08, 0.0, -0.08))
    doubt = judged(turns(0.02, noise=0.06))
    other = replace(worse, metric="decode_s")

    def after(first: Verdict, again: Verdict) -> Verdict:
        found = confirm_verdicts([first, other], {first.subject: again})
        assert found[1] is other
        return found[0]

    assert (after(worse, worse).verdict, after(worse, worse).confirmed) == ("WORSE", True)
    assert (after(doubt, worse).verdict, after(doubt, worse).confirmed) == ("WORSE", True)
    assert (after(worse, same).verdict, after(worse, same).confirmed) == ("SAME", False)
    assert (after(worse, doubt).verdict, after(worse, doubt).confirmed) == ("AMBIGUOUS", False)
    assert (after(worse, better).verdict, after(worse, better).confirmed) == ("AMBIGUOUS", False)
    assert (after(doubt, better).verdict, after(doubt, better).confirmed) == ("BETTER", True)
    assert "+8.3 %" in after(worse, same).words
    assert after(worse, same).change == same.change
    assert confirm_verdicts([worse], {}) == [worse]


# The proof: comparisons on a noisy machine


class Machine:
    """A machine that others share: it is 10 to 20 % slower in phases of several samples, and some samples are late.

    The reference workload and all codecs feel a phase, each a little more or less. Noise only ever adds time. What a
    process draws when it starts makes it up to 5 % slower for life, alike for both runs where they have the draw in
    common, but for LUCK. In a bad hour (crowded) it is slower by a third more often than not, for a sample or two.
    """

    def __init__(self, seed: int, *, crowded: bool = False) -> None:
        self.slow, self.length, self.by = (0.6, 4.0, (0.2, 0.4)) if crowded else (0.3, 8.0, (0.1, 0.2))
        self.random = np.random.default_rng(seed)
        self.images = int(self.random.integers(2, 5))
        self.counts = self.random.integers(20, 61, self.images)
        self.times = int(self.random.integers(8, 13))  # codecs * operations
        self.base = np.log(self.random.uniform(0.01, 0.2, (self.times, self.images)))
        self.feels = self.random.uniform(0.8, 1.1, self.times)

    def phases(self, count: int) -> Floats:
        """The slowness at each of `count` moments; slow: the share of moments, length: of a phase in the mean."""
        found, at, state = np.zeros(count), 0, self.random.random() < self.slow
        while at < count:
            lasts = int(self.random.geometric(1 / self.length if state else self.slow / (1 - self.slow) / self.length))
            found[at : at + lasts] = math.log1p(self.random.uniform(*self.by)) if state else 0.0
            at, state = at + lasts, not state
        return found

    def late(self, count: int, usual: float) -> Floats:
        """How much later than possible each of `count` samples is, now and then by a lot."""
        often, rare = self.random.exponential(usual, count), self.random.uniform(0.1, 0.4, count)
        return often + rare * (self.random.random(count) < 0.02)

    def run(self, injected: Mapping[int, float], drift: float = 0.0) -> list[list[Series]]:
        """[time][image]; a round is a sample of each, between two readings of the reference workload."""
        found: list[list[Series]] = [[] for _ in range(self.times)]
        lucks = self.random.choice([0.0, 0.05], self.times) + self.random.normal(0, LUCK, self.times)
        for image, count in enumerate(self.counts):
            slow = self.phases(count + 1)
            readings = np.exp(slow + self.late(count + 1, 0.005)) / 100
            reference = np.log((readings[:-1] + readings[1:]) / 2)
            for time, series in enumerate(found):
                samples = self.base[time, image] + self.feels[time] * slow[:-1] + self.late(count, 0.01) + lucks[time]
                series.append(Series(samples + injected.get(time, 0.0) + drift, reference + drift))
        return found

    def apart(self, injected: Mapping[int, float] | None = None, drift: float = 0.0) -> list[Verdict]:
        """BASE is measured, then NEW, into which slowdowns are injected, on a machine that has drifted."""
        base, new = self.run({}), self.run(injected or {}, drift)
        return self._judged([Apart(list(zip(*both, strict=True))) for both in zip(base, new, strict=True)])

    def in_turn(self, injected: Mapping[int, float] | None = None) -> list[Verdict]:
        """Both are measured in turn: base new, new base, ..., in looks at what is not decided."""
        found: list[list[Floats]] = [[] for _ in range(self.times)]
        verdicts: list[Verdict] = []
        for _ in range(LOOKS):
            for time, starts in enumerate(found):
                if not verdicts or undecided(verdicts[time]):
                    starts += [self.started(time) + (injected or {}).get(time, 0.0) for _ in range(STARTS)]
            verdicts = self._judged([Paired(starts) for starts in found])
        return verdicts

    def started(self, time: int) -> Floats:
        """The difference of each image, after a start of both."""
        images, count = [], second_look.turns_per_image(self.images)
        for _ in range(self.images):
            slow = self.phases(2 * count).reshape(count, 2)
            both = self.feels[time] * slow + self.late(2 * count, 0.01).reshape(count, 2)
            both[1::2] = both[1::2, ::-1]
            images.append(side_by_side(both[:, 0], both[:, 1]) + self.random.normal(0, LUCK * math.sqrt(2)))
        return np.asarray(images)

    def _judged(self, found: Sequence[Evidence]) -> list[Verdict]:
        names = [(f"codec{number // 2}", ("encode_s", "decode_s")[number % 2]) for number in range(self.times)]
        times = [timed(one, metric, codec) for one, (codec, metric) in zip(found, names, strict=True)]
        return judge(times, read_gates(None))


hours = pytest.mark.parametrize("crowded", [False, True], ids=["usual", "crowded"])


@pytest.mark.slow
@hours
def test_fifty_comparisons_of_like_runs_raise_one_false_alarm_at_most(crowded: bool) -> None:
    machines = [Machine(seed, crowded=crowded) for seed in range(COMPARISONS)]
    apart = Counter(verdict.verdict for machine in machines for verdict in machine.apart())
    in_turn = Counter(verdict.verdict for machine in machines for verdict in machine.in_turn())
    assert apart["WORSE"] == 0
    assert in_turn["WORSE"] + in_turn["BETTER"] <= 1
    assert in_turn["SAME"] > 0.9 * in_turn.total()  # it is not silent for want of verdicts


@pytest.mark.slow
@hours
def test_five_percent_are_found(crowded: bool) -> None:
    """By turns for certain; runs apart see at least that it may be."""
    looks = [Machine(seed, crowded=crowded).in_turn({0: SLOWDOWN}) for seed in range(COMPARISONS)]
    assert sum(verdicts[0].verdict == "WORSE" for verdicts in looks) >= 45
    assert sum(verdict.verdict == "WORSE" for verdicts in looks for verdict in verdicts[1:]) <= 1
    first = [Machine(seed, crowded=crowded).apart({0: SLOWDOWN})[0] for seed in range(COMPARISONS)]
    assert sum(verdict.verdict in ("WORSE", "AMBIGUOUS") for verdict in first) >= 45


def test_five_percent_less_are_found_as_well() -> None:
    looks = [Machine(seed).in_turn({0: -SLOWDOWN})[0].verdict for seed in range(COMPARISONS)]
    assert looks.count("BETTER") >= 45


def test_a_drift_of_the_whole_machine_raises_nothing() -> None:
    for drift in (DRIFT, -DRIFT):
        found = [verdict for seed in range(10) for verdict in Machine(seed).apart(drift=drift)]
        assert not [verdict for verdict in found if verdict.verdict in ("WORSE", "BETTER")]
        calm = [verdict for seed in range(10) for verdict in Machine(seed).apart()]
        assert [verdict.verdict for verdict in found] == [verdict.verdict for verdict in calm]


def test_a_change_of_a_few_images_is_not_called_same() -> None:
    """The median over the images does not move."""
    random = np.random.default_rng(0)
    strata = []
    for number in range(24):
        base, new = (np.log(0.05) + random.normal(0, 0.002, 20) for _ in range(2))
        reference = np.full(20, np.log(0.01))
        strata.append((Series(base, reference), Series(new + (np.log(2) if number < 2 else 0), reference)))
    found = Times(subject=subject("encode_s"), evidence=Apart(strata), base_s=0.05, new_s=0.05)
    (verdict,) = judge([found], read_gates(None))
    assert verdict.verdict == "AMBIGUOUS"
    assert verdict.words == "some images only: mean +5.9 %"
    (like,) = judge([replace(found, evidence=Apart(strata[2:]))], read_gates(None))
    assert like.verdict == "SAME"
