"""Why counters of multiply-accumulates disagree, from what each of them counted by kind and had no rule for."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lic_bench.measurement.mac_counters.mac_count import CONVOLUTION, ELEMENTWISE, PRODUCT, TRANSPOSED

TOLERANCE = 0.05  # of the exact count; what differs by more, in all or in one kind, is explained
SHOWN = 0.005  # of the exact count; smaller differences of a kind are left out of an explanation
KEYS = ["run", "codec", "quality", "width", "height", "path"]
MULTIPLIES = re.compile(r"attention|conv|mm$|matmul|linear|einsum|mv$|dot$|outer|bilinear")
Calls = Mapping[str, int]


def compare_counters(rows: pd.DataFrame) -> pd.DataFrame:
    """The complexity rows with the columns `against_exact` and `explanation`.

    against_exact: macs / exact macs - 1 of the same path; NaN for the exact count itself, or without one.
    explanation: why the two differ; "" if they hardly do.

    rows: columns KEYS, counter, macs, uncounted_ops, and macs_by_kind where the run stored it.
    """
    rows = rows.assign(macs_by_kind=rows.get("macs_by_kind", pd.Series([{}] * len(rows), rows.index, dtype=object)))
    by_key: list[tuple[Any, Any]] = list(
        zip(zip(*(rows[key] for key in KEYS), strict=True), rows.itertuples(), strict=True)
    )
    exact = {key: row for key, row in by_key if row.counter == "exact" and not pd.isna(row.macs) and row.macs}
    pairs = [(row, exact.get(key)) for key, row in by_key]
    return rows.assign(
        against_exact=[_against(row, other) for row, other in pairs],
        explanation=[_explanation(row, other) for row, other in pairs],
    )


def _against(row: Any, exact: Any) -> float:
    incomparable = exact is None or row.counter == "exact" or pd.isna(row.macs)
    return float("nan") if incomparable else float(row.macs / exact.macs - 1)


def _explanation(row: Any, exact: Any) -> str:
    if exact is None or pd.isna(row.macs):
        return ""
    if row.counter == "exact":
        return _own_formulas(row) if row.path == "forward" else ""
    if not (row.macs_by_kind and exact.macs_by_kind):
        return _without_kinds(row, exact)
    own, theirs = row.macs_by_kind, exact.macs_by_kind
    differences = {kind: own.get(kind, 0) - theirs.get(kind, 0) for kind in (theirs | own)}
    if max(map(abs, (row.macs - exact.macs, *differences.values()))) <= TOLERANCE * exact.macs:
        return ""
    parts = [
        f"{kind} {value / 1e9:+.3g} G ({_reason(row, exact, kind, value > 0)})"
        for kind, value in sorted(differences.items(), key=lambda item: -abs(item[1]))
        if abs(value) >= SHOWN * exact.macs
    ]
    rest = row.macs - exact.macs - sum(v for v in differences.values() if abs(v) >= SHOWN * exact.macs)
    parts += [f"all else {rest / 1e9:+.3g} G"] if abs(rest) >= SHOWN * exact.macs else []
    return f"{row.label}, {row.counter} against exact: {'; '.join(parts)}."


def _reason(row: Any, exact: Any, kind: str, more: bool) -> str:
    """In a few words, why a counter has more or fewer MACs of a kind than the exact one."""
    if kind not in (CONVOLUTION, TRANSPOSED, PRODUCT, ELEMENTWISE):
        return "no rule for this operator"
    if kind == ELEMENTWISE:
        return "by number of values; exact has no formula for them"
    if row.counter == "thop" and more:
        return "taken at the output's size" if kind == TRANSPOSED else "in modules that are registered more than once"
    if more:
        unseen = list_calls(_multiplying(exact.uncounted_ops))
        return f"exact has no formula for {unseen}" if unseen else "cause not known"
    if row.counter == "thop":
        within = {name: n for name, n in row.uncounted_ops.items() if kind in name}
        return f"outside modules with a rule: {list_calls(within)}" if within else "cause not known"
    unseen = list_calls(_multiplying(row.uncounted_ops))
    return f"{row.counter} has no rule for {unseen}" if unseen else "cause not known"


def _own_formulas(row: Any) -> str:
    """What part of the exact count is by formulas of codecs, "" for none."""
    kinds = (CONVOLUTION, TRANSPOSED, PRODUCT, ELEMENTWISE)
    own = {name: value for name, value in row.macs_by_kind.items() if name not in kinds}
    parts = [f"{name} {value / 1e9:.3g} G ({100 * value / row.macs:.1f} %)" for name, value in own.items()]
    shares = ", ".join(parts)
    return f"{row.label}: by the operator's own formula, half its operations: {shares}." if own else ""


def _without_kinds(row: Any, exact: Any) -> str:
    """For runs that stored no MACs by kind."""
    if abs(row.macs - exact.macs) <= TOLERANCE * exact.macs:
        return ""
    names = list_calls(row.uncounted_ops)
    return f"{row.label}: {row.counter} has no rule for {names}." if names else f"{row.label}: cause not stored."


def _multiplying(calls: Calls) -> dict[str, int]:
    return {name: n for name, n in calls.items() if MULTIPLIES.search(name)}


def list_calls(calls: Calls) -> str:
    """ "BiWkv x 44, exp x 2"."""
    return ", ".join(f"{name} x {n}" for name, n in calls.items())
