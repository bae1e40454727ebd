"""The verdict on each printed number: reproduced, differs by how much, or cannot be checked here, and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from lic_bench.report.claims.claimed_runs import with_shipped_counts
from lic_bench.report.claims.explanations import Explanation, claim_name, explanations
from lic_bench.report.claims.found_values import METRICS, PICTURE, Found, Measured, printed_on, recomputed
from lic_bench.report.claims.printed_text import printed_in_text
from lic_bench.report.frames.printed_tables import PrintedValue, printed_values
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import METRIC_NAMES, dataset_label
from lic_bench.store.run_folder import Run

Verdict = Literal["reproduced", "differs", "cannot be checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A printed number with what was found. difference: found less printed, of the value that differs most.

    recomputed, measured: the values to show. reason: why it cannot be checked, or what is known of the difference.
    known: what accounts for every value that differs; its cause may be unknown. None where nothing does.
    """

    printed: PrintedValue
    verdict: Verdict
    recomputed: Found | None
    measured: tuple[Found, ...]
    difference: float | None = None
    reason: str = ""
    known: Explanation | None = None

    @property
    def is_unexplained(self) -> bool:
        """Whether it differs by other than what is known."""
        return self.verdict == "differs" and self.known is None

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {"name": claim_name(self.printed), **asdict(self)}


def check_claims(runs: Sequence[Run], data: ReportData | None = None) -> list[Claim]:
    """A claim for every number of Tables 1 to 5, then of the text; dashes and an anchor's own 0 % are none.

    runs: may be none; the counts that are shipped come beside them. data: the report's on these runs, if at hand.
    """
    measured = Measured(with_shipped_counts(runs), data)
    every = [*printed_values(), *printed_in_text()]
    stated = [printed for printed in every if printed.value is not None and not _is_own_anchor(printed)]
    return [_claim(printed, recomputed(printed), measured.values(printed)) for printed in stated]


def summary(claims: Sequence[Claim]) -> str:
    """ "23 reproduced, 4 differ, 31 cannot be checked here"."""
    count = Counter(claim.verdict for claim in claims)
    agree, differ, unchecked = (count[verdict] for verdict in get_args(Verdict))
    found_no_cause = sum(bool(claim.known and claim.known.cause == "unknown") for claim in claims)
    unexplained = sum(claim.is_unexplained for claim in claims)
    counted = {"for causes not found": found_no_cause, "unexplained": unexplained}
    parts = " and ".join(f"{number} {what}" for what, number in counted.items() if number)
    return f"{agree} reproduced, {differ} differ{parts and f' ({parts})'}, {unchecked} cannot be checked here"


def _is_own_anchor(printed: PrintedValue) -> bool:
    return bool(printed.anchor) and printed.codec == printed.anchor


def _claim(printed: PrintedValue, again: Found | None, measured: Sequence[Found]) -> Claim:
    shown: dict[str, Any] = {"printed": printed, "recomputed": again, "measured": tuple(measured)}
    known = explanations().get(claim_name(printed))
    found = [f for f in (again, *measured) if f and f.value is not None and not f.hindrance]
    if not found:
        return Claim(verdict="cannot be checked", reason=_why_not(printed, measured, known), **shown)
    differing = [f for f in found if not _agrees(printed, f)]
    if not differing:
        return Claim(verdict="reproduced", **shown)
    gaps = [_value(f) - _value(printed) for f in differing]
    if known and not all(_is_explained(printed, f, known) for f in differing):
        known = None
    return Claim(verdict="differs", difference=max(gaps, key=abs), reason=str(known or ""), known=known, **shown)


def _value(of: Found | PrintedValue) -> float:
    assert of.value is not None
    return of.value


def _agrees(printed: PrintedValue, found: Found) -> bool:
    if printed.text.startswith(">"):
        return _value(found) > _value(printed)
    return _is_near(found, _value(printed), printed)


def _is_explained(printed: PrintedValue, found: Found, known: Explanation) -> bool:
    return known.here is not None and _is_near(found, known.here, printed)


def _is_near(found: Found, value: float, printed: PrintedValue) -> bool:
    """Within the tolerance of `found`, else equal in the printed digits."""
    if found.tolerance is None:
        return f"{_value(found):.{printed.digits}f}" == f"{value:.{printed.digits}f}"
    return abs(_value(found) - value) <= found.tolerance


def _why_not(printed: PrintedValue, measured: Sequence[Found], known: Explanation | None) -> str:
    """Why nothing that is known or was measured says anything about it."""
    if measured:
        return " ".join(dict.fromkeys(f.hindrance for f in measured))
    if known and known.here is None:
        return str(known)
    if printed.quantity in METRICS:
        metric, dataset = METRIC_NAMES[METRICS[printed.quantity]], dataset_label(printed.dataset)
        return (
            f"No {metric} points of it on {dataset} are published, nor measured with its weights in a run given here."
        )
    if printed.quantity in ("flops_g", "params_m"):
        return "No run given here counts it; `lic-bench run --measure complexity` does."
    if printed.quantity in PICTURE:
        return f"No run given here has {printed.dataset} by this codec with its weights."
    return f"No run given here has it; it is {printed_on(printed)}."
