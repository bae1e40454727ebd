"""A comparison of two runs: the verdicts, and what a reader must know beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lic_bench.compare import comparable
from lic_bench.compare.accepted import Accepted, covering_entry, extent_to_cover, largest_accepted
from lic_bench.compare.gate_file import Gates
from lic_bench.compare.metric_table import metric_of
from lic_bench.compare.paired_values import paired_values, reference_ratio
from lic_bench.compare.verdicts import Verdict, Word, judge
from lic_bench.errors import UserError
from lic_bench.store.run_folder import Run

WORDS: Sequence[Word] = ("WORSE", "BETTER", "AMBIGUOUS", "SAME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """base, new: what they are called. overridden: differences that --allow let pass. notes: what else differs.

    reference_ratio: how much longer the reference workload took in NEW than in BASE, by which times were divided.
    accepted: what of it is accepted; the verdicts say so of themselves, also those that `replace` puts here.
    """

    base: str
    new: str
    verdicts: Sequence[Verdict]
    overridden: Sequence[str] = ()
    notes: Sequence[str] = ()
    reference_ratio: float | None = None
    accepted: Sequence[Accepted] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdicts", [_with_acceptance(verdict, self.accepted) for verdict in self.verdicts])

    @property
    def regressions(self) -> list[Verdict]:
        """The verdicts that make the comparison fail."""
        return [verdict for verdict in self.verdicts if verdict.fails]


def compare(
    base: Run, new: Run, gates: Gates, allow: Sequence[str] = (), accepted: Sequence[Accepted] = ()
) -> Comparison:
    """Compare two runs. Raises NotComparable for differences that `allow` does not name."""
    overridden = comparable.check_comparable(base, new, allow)
    verdicts = judge(paired_values(base, new), gates)
    failed = _keys_with_status(base, "failed") & _keys_with_status(new, "failed")
    if failed and not (_keys_with_status(base, "ok") or _keys_with_status(new, "ok")):
        raise UserError(f"{base.name} and {new.name}: all {len(failed)} records failed in both; nothing was measured.")
    codecs = ", ".join(sorted({codec for codec, *_ in failed}))
    failures = [f"{len(failed)} records failed in both, and nothing is known about them: {codecs}"] if failed else []
    if not verdicts:
        raise UserError(
            f"{base.name} and {new.name} have nothing in common that is compared; look at --gate and --allow."
        )
    return Comparison(
        base=base.name,
        new=new.name,
        verdicts=verdicts,
        accepted=accepted,
        overridden=list(map(str, overridden)),
        notes=[*comparable.noted_differences(base, new), *failures],
        reference_ratio=reference_ratio(base, new),
    )


def _keys_with_status(run: Run, status: str) -> set[tuple[Any, ...]]:
    """Codec, quality, data set and image of the records with this status."""
    rows = run.records[run.records.status == status]
    return set(rows[["codec", "quality", "dataset", "image"]].itertuples(index=False, name=None))


def _with_acceptance(verdict: Verdict, accepted: Sequence[Accepted]) -> Verdict:
    """Who accepted it, if it is worse and somebody did."""
    if verdict.verdict != "WORSE":
        return verdict
    what = (verdict.codec, verdict.quality, verdict.metric)
    if entry := covering_entry(accepted, *what, _extent(verdict)):
        return replace(verdict, accepted=str(entry))
    return replace(verdict, accepted_up_to=largest_accepted(accepted, *what))


def _extent(verdict: Verdict) -> float | None:
    """How much worse: 0 if only some images are worse and the mean is not, inf from 0 and to a missing number."""
    if verdict.change is None or (verdict.change > 0) == (metric_of(verdict.metric).better == "lower"):
        return extent_to_cover(verdict.change, numbers=verdict.base is not None)
    return 0.0
