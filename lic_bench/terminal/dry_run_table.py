"""What `lic-bench run --dry-run` prints: the plan, and about how long it takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from lic_bench.terminal.plain_table import plain_table
from lic_bench.terminal.progress import duration

if TYPE_CHECKING:
    from lic_bench.run.dry_run import DryRun, PlannedCodec


def table(plan: DryRun) -> Table:
    """One row per codec: qualities, weights, jobs, those of them that are stored, time for the rest."""
    rows = [
        [
            codec.codec,
            ", ".join(map(str, codec.qualities)),
            _weights(codec),
            str(codec.jobs),
            str(codec.stored),
            "unknown" if codec.seconds is None else duration(codec.seconds),
        ]
        for codec in plan.codecs
    ]
    return plain_table(["codec", "qualities", "weights", "jobs", "stored", "about"], rows)


def values(plan: DryRun) -> dict[str, Any]:
    """The plan as plain values."""
    codecs = [asdict(planned) for planned in plan.codecs]
    return {"codecs": codecs, "notes": plan.notes, "missing": plan.missing, "uncounted": plan.uncounted}


def _weights(codec: PlannedCodec) -> str:
    """ "6 files", "1 file, 2 random", "-" for a codec without weights."""
    counts = Counter(codec.weights.values())
    words = {"file": "file" if counts["file"] == 1 else "files", "random": "random", "own": "of its own"}
    return ", ".join(f"{counts[kind]} {word}" for kind, word in words.items() if counts[kind]) or "-"


def total(plan: DryRun) -> str:
    """How many jobs are to be done in all, and how long that takes as far as times are known, and what is not in it."""
    to_do = sum(codec.jobs - codec.stored for codec in plan.codecs)
    unknown = [codec.codec for codec in plan.codecs if codec.seconds is None]
    seconds = sum(codec.seconds or 0.0 for codec in plan.codecs)
    text = f"{to_do} jobs to do"
    if len(unknown) < len(plan.codecs):
        text += f", about {duration(seconds)} by the times of runs on disk"
    text += f"; no times are known of {', '.join(unknown)}" if unknown else ""
    return text + (f"; not counted: {', '.join(plan.uncounted)}" if plan.uncounted else "")
