"""Numbers, commits and steps of the history in words."""

from collections.abc import Iterator, Sequence

from lic_bench.compare.metric_table import BYTES, FAILED_IMAGES, MACS, MIB
from lic_bench.history.metric_series import Series, Step
from lic_bench.history.point import RELATIVE, SERIES, Point, Value

COMMIT = 7  # digits that are shown
SHORT = 8  # characters of a hash or setting
PLAIN = 5  # of SERIES: machine, codec, quality, on, metric
SMALL = 1e-3  # a relative change below is shown with two digits that count


def value_of(value: Value, unit: str) -> str:
    """The value with a readable unit; times as multiples of the reference workload."""
    if isinstance(value, str):
        return value
    if unit == RELATIVE:
        return f"{value:.4g}x"
    if unit == BYTES:
        return f"{value / MIB:,.1f} MiB" if value >= MIB else f"{value:,.8g} B"
    if unit == MACS:
        return f"{value / 1e9:,.6g} G"
    return f"{value:,.0f}" if value == round(value) else f"{value:.8g}"


def pair_of(before: Value, after: Value, unit: str) -> tuple[str, str]:
    """Both values, with all digits if fewer do not tell them apart."""
    first, second = value_of(before, unit), value_of(after, unit)
    return (first, second) if first != second else (f"{before!r}", f"{after!r}")


def last_of(point: Point) -> str:
    """The value; of a time the seconds beside it, "4.24x (12.3 ms)"."""
    value = value_of(point.value, point.unit)
    if point.seconds is None:
        return value
    return f"{value} ({point.seconds:.3g} s)" if point.seconds >= 1 else f"{value} ({1e3 * point.seconds:.3g} ms)"


def change_of(step: Step, unit: str) -> str:
    """The relative change, "+5.2 %", "-0.00021 %"; the difference of counts and from 0; "other" for texts."""
    if isinstance(step.before, str) or isinstance(step.after, str):
        return "other"
    if step.change is None or unit == FAILED_IMAGES:
        return f"{step.after - step.before:+.6g}"
    return f"{100 * step.change:{'+.1f' if abs(step.change) >= SMALL else '+.2g'}} %"


def range_of(steps: Sequence[Step], unit: str) -> str:
    """ "+5.6 .. +6.2 %" of several, or their one change."""
    ordered = sorted(steps, key=lambda step: step.change or 0.0)
    low, high = change_of(ordered[0], unit), change_of(ordered[-1], unit)
    return low if low == high else f"{low.removesuffix(' %')} .. {high}"


def commit_of(point: Point) -> str:
    """The first digits of its commit, with "+" if files differed; the version if no commit is known."""
    name = point.commit[:COMMIT] if point.commit else f"v{point.lic_bench}"
    return name + ("+" if point.dirty else "")


def day_of(point: Point) -> str:
    """ "2026-11-23"."""
    return point.time[:10]


def distinctions(series: Sequence[Series]) -> list[str]:
    """What distinguishes each series from others of its codec, quality, metric and data set: "threads 2"; mostly ""."""
    alike: dict[tuple[object, ...], list[Point]] = {}
    for member in series:
        alike.setdefault(member.last.series[:PLAIN], []).append(member.last)
    return [", ".join(_differing(member.last, alike[member.last.series[:PLAIN]])) for member in series]


def _differing(point: Point, others: Sequence[Point]) -> Iterator[str]:
    for name in SERIES[PLAIN:]:
        if len({getattr(other, name) for other in others}) > 1:
            yield f"{name} {str(getattr(point, name))[:SHORT]}"
