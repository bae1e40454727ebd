"""The verdict on each number: SAME, BETTER, WORSE, or AMBIGUOUS if the data allow none of these."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import expm1, fsum, log1p
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np

from lic_bench.compare.gate_file import Gates
from lic_bench.compare.gates import Off, Shown, Timed, Tolerance
from lic_bench.compare.metric_table import STATUS, Better, metric_of
from lic_bench.compare.paired_values import Subject, Times, Values
from lic_bench.compare.statistics import Apart, Floats, Paired

Word: TypeAlias = Literal["SAME", "BETTER", "WORSE", "AMBIGUOUS"]
SHOWN = "; shown, not gated"
ONCE = " at one look; --confirm decides"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one number changed from BASE to NEW.

    change, low, high: relative, new / base - 1, with the bounds of the 95 % interval; None where a number has none.
    p: adjusted for all times that were compared together. threshold: the relative change from which one counts.
    least: the same without the noise of the samples, of times.
    base, new: the mean over the images; of times the median, in seconds as measured, see paired_values.Times.
    confirmed: whether a second measurement says the same; None without one.
    accepted: who accepted this change and why. accepted_up_to: the largest change that is, where this one is larger.
    starts: of times measured in turn the relative change at each start of both; `change` is their trimmed mean.
    """

    codec: str
    quality: int
    on: str
    metric: str
    verdict: Word
    words: str
    gate: str
    base: float | None = None
    new: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    threshold: float | None = None
    least: float | None = None
    confirmed: bool | None = None
    accepted: str | None = None
    accepted_up_to: float | None = None
    starts: tuple[float, ...] = ()

    @property
    def subject(self) -> Subject:
        """The number that was judged."""
        return Subject(codec=self.codec, quality=self.quality, on=self.on, metric=self.metric)

    @property
    def fails(self) -> bool:
        """Whether this is a regression that nobody accepted."""
        return self.verdict == "WORSE" and self.accepted is None


def judge(values: Iterable[Values | Times], gates: Gates) -> list[Verdict]:
    """A verdict for each of the values whose gate is not off, in their order. All times are one family of tests."""
    items = [(item, gates.of(item.subject.metric)) for item in values]
    items = [(item, gate) for item, gate in items if not isinstance(gate, Off)]
    times = [item for item, _ in items if isinstance(item, Times)]
    p_of_time = adjusted_p([item.evidence.p_value() for item in times])
    adjusted = dict(zip([item.subject for item in times], p_of_time, strict=True))
    return [
        _of_times(item, gate, float(adjusted[item.subject])) if isinstance(item, Times) else _of_values(item, gate)
        for item, gate in items
    ]


def adjusted_p(p: Sequence[float]) -> Floats:
    """The p-values adjusted for the false-discovery rate (Benjamini and Hochberg 1995), in their order.

    To call those at most alpha significant keeps the expected share of false ones among them at alpha.
    """
    from scipy.stats import false_discovery_control  # a second to import, for comparisons that have times

    return np.asarray(false_discovery_control(p) if p else p)


def confirm_verdicts(first: Sequence[Verdict], second: Mapping[Subject, Verdict]) -> list[Verdict]:
    """The verdicts, replaced by those of the second look where it has one: BASE and NEW took turns there.

    WORSE and then BETTER is AMBIGUOUS: the looks contradict each other.
    """
    return [_confirmed(verdict, second[verdict.subject]) if verdict.subject in second else verdict for verdict in first]


def _confirmed(first: Verdict, second: Verdict) -> Verdict:
    contradict = (first.verdict, second.verdict) == ("WORSE", "BETTER")
    if second.verdict in ("BETTER", "WORSE") and not contradict:
        return replace(second, confirmed=True, words=f"{second.words}; measured again in turn")
    words = f"at first {first.verdict} ({_percent(first.change)}), in turn {second.words}"
    return replace(second, verdict="AMBIGUOUS" if contradict else second.verdict, confirmed=False, words=words)


def _of_times(item: Times, gate: Any, p: float) -> Verdict:
    """SAME needs proof: the whole interval must lie within the gate's least change.

    So must the mean over the images, which a change of a few images moves although the median stays. Runs made apart
    are one process each, and no sample tells how lucky it was: their changes count from the gate's `once` on.
    """
    timed = gate if isinstance(gate, Timed) else Timed()
    change, mean = item.evidence.effect(), float(np.mean(item.evidence.by_image()))
    low, high = item.evidence.interval()
    threshold = log1p(max(timed.least, timed.mads * expm1(item.evidence.noise())))
    word: Word = "AMBIGUOUS"
    if p <= timed.alpha and abs(change) > threshold and low * high > 0:
        word = "WORSE" if change > 0 else "BETTER"
    elif max(abs(low), abs(high), abs(mean)) <= log1p(timed.least):
        word = "SAME"
    words = _words_of_times(word, change, threshold, timed.least, significant=p <= timed.alpha)
    if isinstance(item.evidence, Apart) and word in ("BETTER", "WORSE") and abs(change) < log1p(timed.once):
        word, words = "AMBIGUOUS", f"{words}{ONCE}"
    if word == "AMBIGUOUS" and abs(mean) > log1p(timed.least) >= max(abs(low), abs(high)):
        words = f"some images only: mean {_percent(expm1(mean))}"
    if isinstance(gate, Shown) and word in ("BETTER", "WORSE"):
        word, words = "AMBIGUOUS", f"{words}{SHOWN}"
    starts = tuple(map(expm1, item.evidence.each())) if isinstance(item.evidence, Paired) else ()
    bounds = {name: expm1(value) for name, value in (("change", change), ("low", low), ("high", high))}
    return _verdict(
        item.subject, word, words, gate, base=item.base_s, new=item.new_s, p=p,
        threshold=expm1(threshold), least=timed.least, starts=starts, **bounds,
    )  # fmt: skip


def _words_of_times(word: Word, change: float, threshold: float, least: float, *, significant: bool) -> str:
    if word in ("WORSE", "BETTER"):
        return "slower" if word == "WORSE" else "faster"
    if word == "SAME":
        return f"within {_percent(least, sign='')}"
    if abs(change) > threshold:
        return "may as well be none" if significant else "not significant"
    if abs(change) > log1p(least):
        return f"too noisy: counts from {_percent(expm1(threshold), sign='')} on"
    return f"may be beyond {_percent(least, sign='')}"


def _of_values(item: Values, gate: Any) -> Verdict:
    pairs = [(base, new) for base, new in item.pairs if base is not None]
    numbers = isinstance(pairs[0][0], Real)
    if lacking := sum(new is None for _, new in pairs):
        base = float(np.mean([base for base, _ in pairs])) if numbers else None
        words = f"missing in NEW{_on_images(lacking, item)}"
        return _verdict(item.subject, _unless_shown("WORSE", gate), words, gate, base=base)
    if not numbers:
        return _of_texts(item, gate, pairs)
    base, new = (float(np.mean(values)) for values in zip(*pairs, strict=True))
    changed = any(before != after for before, after in pairs)
    more = {"base": base, "new": new, "change": (new / base - 1 if base else None) if changed else 0.0}
    if isinstance(gate, Tolerance):
        more["threshold"] = max(gate.relative, gate.absolute / abs(base)) if base else None
    word, words = _of_numbers(metric_of(item.subject.metric).better, gate, pairs, base)
    return _verdict(item.subject, word, words, gate, **more)


def _of_numbers(better: Better, gate: Any, pairs: Sequence[tuple[float, float]], base: float) -> tuple[Word, str]:
    """base: the mean of BASE. A tolerance is about the mean; else one image that got worse is WORSE."""
    change = fsum(after - before for before, after in pairs) / len(pairs)  # of means it would round small ones away
    rising, falling = sum(after > before for before, after in pairs), sum(after < before for before, after in pairs)
    if not rising and not falling:
        return "SAME", "equal"
    among = [f"{count} {which}" for count, which in ((rising, "up"), (falling, "down")) if count]
    words = f"mean {change:+.6g}, of {len(pairs)} images {', '.join(among)}" if len(pairs) > 1 else f"{change:+.6g}"
    if isinstance(gate, Tolerance) and abs(change) <= gate.allowed(base):
        return "SAME", f"{words}, within the tolerance"
    if isinstance(gate, Shown):
        return "AMBIGUOUS", f"{words}{SHOWN}"
    worse = rising if better == "lower" else falling
    if isinstance(gate, Tolerance):
        worse = (change > 0) == (better == "lower")
    return "WORSE" if worse else "BETTER", words


def _of_texts(item: Values, gate: Any, pairs: Sequence[tuple[Any, Any]]) -> Verdict:
    """Texts are equal or not; of a status, "ok" is better."""
    changed = [(before, after) for before, after in pairs if before != after]
    if not changed:
        return _verdict(item.subject, "SAME", "equal", gate)
    word: Word = "WORSE"
    words = f"other{_on_images(len(changed), item)}"
    if item.subject.metric == STATUS:
        broken = sum(before == "ok" for before, _ in changed)
        word = "WORSE" if broken else "BETTER"
        words = f"failed{_on_images(broken, item)}" if broken else f"ok{_on_images(len(changed), item)}, had failed"
    return _verdict(item.subject, _unless_shown(word, gate), words, gate)


def _unless_shown(word: Word, gate: Any) -> Word:
    return "AMBIGUOUS" if isinstance(gate, Shown) else word


def _verdict(subject: Subject, verdict: Word, words: str, gate: Any, **more: Any) -> Verdict:
    return Verdict(**asdict(subject), verdict=verdict, words=words, gate=gate.name, **more)


def _on_images(count: int, item: Values) -> str:
    return f" on {count} of {len(item.pairs)} images" if len(item.pairs) > 1 else ""


def _percent(change: float | None, sign: str = "+") -> str:
    return "no number" if change is None else f"{100 * change:{sign}.1f} %"
