"""What all outputs have in common: the order of the verdicts, numbers with units, the outcome, what to do next."""

import re
from collections import Counter
from collections.abc import Sequence
from math import floor, isfinite, log10
from typing import Literal, TypeAlias

from lic_bench.compare.comparison import Comparison
from lic_bench.compare.confirm import may_be_worse
from lic_bench.compare.metric_table import BYTES, MACS, metric_of
from lic_bench.compare.statistics import FLOOR
from lic_bench.compare.verdicts import Verdict
from lic_bench.report.labels import plural

Class: TypeAlias = Literal["WORSE", "ACCEPTED", "BETTER", "AMBIGUOUS", "SAME"]
ORDER: Sequence[Class] = ("WORSE", "ACCEPTED", "BETTER", "AMBIGUOUS", "SAME")
NONE = "-"
DIGITS, MOST_DIGITS = 4, 17  # significant ones: usually, and where BASE and NEW are alike in fewer
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")
_STEPS = {1e9: "G", 1e6: "M"}


def class_of(verdict: Verdict) -> Class:
    """The verdict, or ACCEPTED for what is worse and accepted."""
    return "ACCEPTED" if verdict.verdict == "WORSE" and not verdict.fails else verdict.verdict


def ordered(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Regressions first, then ACCEPTED, BETTER, AMBIGUOUS, SAME; each class in the order given."""
    return sorted(verdicts, key=lambda verdict: ORDER.index(class_of(verdict)))


def stands_out(verdict: Verdict) -> bool:
    """Whether it has a row of its own: all but SAME, and what only a second look found SAME."""
    return verdict.verdict != "SAME" or verdict.confirmed is not None


def plain(text: object) -> str:
    """The text as one printable line: a space for control characters, U+FFFD for what is no character."""
    return _NO_CHARACTER.sub("\ufffd", _UNPRINTABLE.sub(" ", str(text)))


def name_of(verdict: Verdict) -> str:
    """ "lalic q4 kodak encode_s"."""
    return plain(f"{verdict.codec} q{verdict.quality} {verdict.on} {verdict.metric}")


def words_of(verdict: Verdict) -> str:
    """Why, whether a time was measured only once, and who accepted the change or a smaller one."""
    once = metric_of(verdict.metric).is_time and verdict.confirmed is None and verdict.verdict in ("WORSE", "BETTER")
    less = "" if verdict.accepted_up_to is None else f"accepted only up to {100 * verdict.accepted_up_to:g} %"
    return plain("; ".join(filter(None, [verdict.words, "measured once" if once else "", verdict.accepted, less])))


def numbers_of(verdict: Verdict) -> tuple[str, str]:
    """BASE and NEW with their unit and enough digits to tell them apart; a dash for a missing number."""
    values = [value for value in (verdict.base, verdict.new) if value is not None and isfinite(value)]
    scale, unit = _unit(verdict.metric, max(map(abs, values), default=0.0))
    digits = range(DIGITS, DIGITS + 1 if metric_of(verdict.metric).is_time else MOST_DIGITS + 1)
    for count in digits:
        base, new = (_number(value, scale, unit, count, values) for value in (verdict.base, verdict.new))
        if base != new or verdict.base == verdict.new:
            break
    return base, new


def change_of(verdict: Verdict) -> str:
    """The relative change in percent, "+8.1 %"; a dash for what has none."""
    return NONE if verdict.change is None else f"{_percent(verdict.change)} %"


def interval_of(verdict: Verdict) -> str:
    """The bounds of the change's 95 % interval, "+7.0..+9.3 %"; "" for what has none."""
    bounds = [bound for bound in (verdict.low, verdict.high) if bound is not None]
    return f"{'..'.join(map(_percent, bounds))} %" if len(bounds) == 2 else ""


def p_of(verdict: Verdict) -> str:
    """The adjusted p, "0.012", "<0.001"; "" for what was not tested."""
    if verdict.p is None:
        return ""
    return "<0.001" if verdict.p < 0.001 else f"{verdict.p:.3f}"


def cells_of(verdict: Verdict) -> Sequence[str]:
    """A table row: class, codec, quality, data set, metric, BASE, NEW, change, its 95 % interval, p, words."""
    names = (class_of(verdict), verdict.codec, verdict.quality, verdict.on, verdict.metric)
    numbers = (*numbers_of(verdict), change_of(verdict), interval_of(verdict), p_of(verdict))
    return *map(plain, names), *numbers, words_of(verdict)


def sentence_of(verdict: Verdict) -> str:
    """The numbers and the words in one line: "12.31 ms -> 13.40 ms, +8.1 % (+7.0..+9.3 %), p 0.012: slower ..."."""
    base, new = numbers_of(verdict)
    interval, p = interval_of(verdict), p_of(verdict)
    change = f"{change_of(verdict)} ({interval})" if interval else change_of(verdict)
    parts = [f"{base} -> {new}" if (base, new) != (NONE, NONE) else "", "" if change == NONE else change]
    numbers = ", ".join(filter(None, [*parts, f"p {p}" if p else ""]))
    return f"{numbers}: {words_of(verdict)}" if numbers else words_of(verdict)


def same_of(verdicts: Sequence[Verdict]) -> list[str]:
    """A line per codec with the number of verdicts that do not stand out."""
    codecs = [verdict.codec for verdict in verdicts if not stands_out(verdict)]
    return [f"{plain(codec)}: {plural(codecs.count(codec), 'number')} the same" for codec in dict.fromkeys(codecs)]


def circumstances(comparison: Comparison) -> list[str]:
    """What --allow let pass, what else differs, and how the machine moved, a line each."""
    overridden = [f"--allow {difference}" for difference in comparison.overridden]
    ratio = comparison.reference_ratio
    return [plain(line) for line in (*overridden, *comparison.notes, *([] if ratio is None else [_moved(ratio)]))]


def caption(verdicts: Sequence[Verdict]) -> str:
    """What the columns of a table of these verdicts mean."""
    if not any(metric_of(verdict.metric).is_time for verdict in verdicts):
        return "BASE and NEW: means over the images."
    in_turn = " Of those measured again, in turn: medians, and their differences' trimmed mean over the starts of both."
    again = any(verdict.confirmed is not None for verdict in verdicts)
    fast_end = f"their fast end ({100 * FLOOR:.0f} % quantile)"
    return (
        f"BASE and NEW: means over the images; of times the median of {fast_end} as measured. Change of times: "
        f"after division by the reference workload's.{in_turn if again else ''} p: corrected for the number of times "
        "compared."
    )


def outcome(comparison: Comparison) -> str:
    """The result in one sentence: "Regression: 2 worse, 1 worse and accepted, 3 better, 40 the same."."""
    counts = Counter(map(class_of, comparison.verdicts))
    names = {"WORSE": "worse", "ACCEPTED": "worse and accepted", "BETTER": "better", "AMBIGUOUS": "ambiguous"}
    parts = [f"{counts[name]} {names.get(name, 'the same')}" for name in ORDER if counts[name]]
    return f"{'Regression' if comparison.regressions else 'No regression'}: {', '.join(parts)}."


def advice(comparison: Comparison) -> list[str]:
    """What to do next, a sentence each."""
    once = [verdict for verdict in comparison.verdicts if verdict.confirmed is None and may_be_worse(verdict)]
    look = "Times that are not settled were measured once: --confirm measures them again, BASE and NEW in turn."
    accept = "A change that is meant goes into results/accepted.toml, with who accepts it and why."
    return [*([look] if once else []), *([accept] if comparison.regressions else [])]


def _moved(ratio: float) -> str:
    how = f"{100 * abs(ratio - 1):.1f} %"
    how = "as long in NEW as" if how == "0.0 %" else f"{how} {'longer' if ratio > 1 else 'less time'} in NEW than"
    return f"The reference workload took {how} in BASE; times are divided by it."


def _unit(name: str, largest: float) -> tuple[float, str]:
    """What a value is divided by and the unit it is then in."""
    metric = metric_of(name)
    if metric.is_time:
        return (1.0, " s") if largest >= 1 else (1e-3, " ms")
    if metric.unit == BYTES:
        return (1e6, " MB") if largest >= 1e6 else (1.0, " B")
    if metric.field_of == "complexity":
        scale, prefix = next(((scale, f" {prefix}") for scale, prefix in _STEPS.items() if largest >= scale), (1.0, ""))
        return scale, f"{prefix or ' '}MAC" if metric.unit == MACS else prefix
    return 1.0, ""


def _number(value: float | None, scale: float, unit: str, digits: int, values: Sequence[float]) -> str:
    """The value with the decimals that give the largest of `values` this many significant digits."""
    if value is None:
        return NONE
    if not isfinite(value):
        return str(value)
    if scale == 1.0 and all(float(other).is_integer() for other in values) and abs(value) < 1e15:
        return f"{value:.0f}{unit}"
    largest = max(map(abs, values)) / scale
    magnitude = floor(log10(largest)) if largest else 0
    decimals = max(0, digits - 1 - magnitude)
    return f"{value / scale:.{decimals}f}{unit}" if -6 < magnitude < 15 else f"{value / scale:.{digits}g}{unit}"


def _percent(change: float) -> str:
    """With a sign and one decimal; two digits if that would be 0, none after the point from 1000 % on."""
    value = 100 * change
    if not value:
        return "0.0"
    if abs(value) < 0.05:
        return f"{value:+.2g}"
    return f"{value:+.1f}" if abs(value) < 1000 else f"{value:+.3g}" if abs(value) >= 1e6 else f"{value:+.0f}"
