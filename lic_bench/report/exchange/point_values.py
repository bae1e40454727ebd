"""The names of a point's values, and what they may be."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual import registry
from lic_bench.store.records import LARGEST

USUAL = ("psnr_db", "ms_ssim_db", "ms_ssim")
METRICS = (*USUAL, *registry.METRICS)  # of which a curve must have one
TIMES = ("encode_s", "decode_s")
KNOWN = ("quality", "bpp", "bpp_total", *METRICS, *TIMES, "n_images")
ABOVE_0 = ("bpp", "bpp_total")
HIGHEST = {"ms_ssim": 1.0} | {name: m.highest for name, m in registry.METRICS.items() if m.highest is not None}
MAY_BE_NEGATIVE = ("quality", *(name for name, metric in registry.METRICS.items() if metric.lowest is None))


def check_names(where: str, have: Collection[str], names: Mapping[str, Sequence[str]]) -> None:
    """Raise UserError unless the bpp and a metric are there.

    names: our name -> what the format calls it, the usual one first. The error has the nearest of those that it has.
    """
    spellings = {ours: names.get(ours, (ours,)) for ours in ("bpp", *METRICS)}
    if not any(name in have for name in spellings["bpp"]):
        raise _missing(where, spellings["bpp"][:1], have)
    metrics = {metric: spellings[metric] for metric in METRICS}
    if not any(name in have for names_of in metrics.values() for name in names_of):
        raise _missing(where, [name for metric in USUAL for name in metrics[metric]], have)


def check_points(where: Sequence[str], points: Sequence[Mapping[str, float]]) -> None:
    """Raise UserError for no points at all, and for a value that its quantity cannot have.

    where: of each point, in words.
    """
    if not points:
        raise UserError(f"{where[0]} has no points; give a file with at least one.")
    for place, point in zip(where, points, strict=True):
        if wrong := next((name for name, value in point.items() if not _may_be(name, value)), ""):
            raise UserError(f"{place}: {wrong} = {point[wrong]:g}; it must be {_allowed(wrong)}.")
        if not any(metric in point for metric in METRICS):
            raise UserError(f"{place} has no quality; give {', '.join(USUAL)} or a perceptual metric, as vmaf.")


def unknown_values(points: Iterable[Mapping[str, float]]) -> list[str]:
    """The names of values that reports do not show."""
    return sorted({name for point in points for name in point} - {*KNOWN})


def _may_be(name: str, value: float) -> bool:
    if not abs(value) <= LARGEST:  # nor NaN
        return False
    if name not in KNOWN:
        return True
    is_low = value <= 0 if name in ABOVE_0 else value < 0 and name not in MAY_BE_NEGATIVE
    return not is_low and value <= HIGHEST.get(name, math.inf)


def _allowed(name: str) -> str:
    bounded = name in KNOWN and name not in MAY_BE_NEGATIVE
    low = (" above 0" if name in ABOVE_0 else " at least 0") if bounded else ""
    return f"a finite number{low}" + (f", at most {HIGHEST[name]:g}" if name in HIGHEST else "")


def _missing(where: str, names: Sequence[str], have: Collection[str]) -> UserError:
    folded = {name.casefold(): name for name in have}
    near = [(match[0], name) for name in names if (match := get_close_matches(name.casefold(), folded, n=1))]
    hint = f" Is {folded[near[0][0]]!r} to be {near[0][1]!r}?" if near else ""
    return UserError(f"{where} has no {' or '.join(map(repr, names))}.{hint} It has: {', '.join(have) or 'nothing'}.")
