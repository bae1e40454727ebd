"""The kinds of gates: how much a metric may change before that counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """One image whose value got worse, by the last bit, is WORSE."""

    name: ClassVar[str] = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """The mean over the images moves by no more than the larger of relative * |base| and absolute (in its unit)."""

    name: ClassVar[str] = "tolerance"
    relative: float = 0.0
    absolute: float = 0.0

    def allowed(self, base: float) -> float:
        """The largest change from this value that passes."""
        return max(self.relative * abs(base), self.absolute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A change counts from max(least, mads * noise) on, if a test corrected for all times says so at `alpha`.

    least: relative. noise: the median absolute deviation of parts of the series, see lic_bench.compare.statistics.
    alpha: of one look; there may be four, each of which could err.
    once: relative; from here on a change counts although it was seen only once, in one process of each run.
    """

    name: ClassVar[str] = "timed"
    least: float = 0.03
    once: float = 0.2
    mads: float = 3.0
    alpha: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Every change is shown as AMBIGUOUS, also to a missing value; none is a regression."""

    name: ClassVar[str] = "shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Off:
    """Not compared."""

    name: ClassVar[str] = "off"


Gate: TypeAlias = Exact | Tolerance | Timed | Shown | Off
KINDS: Mapping[str, type[Gate]] = {kind.name: kind for kind in (Exact, Tolerance, Timed, Shown, Off)}
