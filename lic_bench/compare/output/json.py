"""A comparison as JSON, for programs."""

import json
from dataclasses import asdict
from math import isfinite
from typing import Any

from lic_bench.compare.comparison import WORDS, Comparison
from lic_bench.compare.output.wording import circumstances, outcome

SCHEMA = 1


def to_json(comparison: Comparison) -> str:
    """One object, ASCII only; null stands for every number that does not exist.

    schema: this format's, 1. base, new: what the runs are called. regression: whether the exit code is 1.
    outcome: the result in a sentence. counts: of the verdicts WORSE, BETTER, AMBIGUOUS, SAME, and `accepted`, how many
    of the WORSE are no regression because they were accepted. reference_ratio: how much longer the reference workload
    took in NEW than in BASE. overridden: the differences that --allow let pass. notes: what else differs.
    circumstances: these three in sentences. verdicts: the fields of lic_bench.compare.verdicts.Verdict, times in
    seconds, changes relative (0.08 is 8 %), and `fails`, whether it makes the comparison fail.
    """
    regressions = comparison.regressions
    words = [verdict.verdict for verdict in comparison.verdicts]
    counts: dict[str, int] = {word: words.count(word) for word in WORDS}
    content = {
        "schema": SCHEMA,
        "base": comparison.base,
        "new": comparison.new,
        "regression": bool(regressions),
        "outcome": outcome(comparison),
        "counts": {**counts, "accepted": counts["WORSE"] - len(regressions)},
        "reference_ratio": comparison.reference_ratio,
        "overridden": list(comparison.overridden),
        "notes": list(comparison.notes),
        "circumstances": circumstances(comparison),
        "verdicts": [{**asdict(verdict), "fails": verdict.fails} for verdict in comparison.verdicts],
    }
    return json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """The value with None for infinities and NaN, which JSON lacks."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
