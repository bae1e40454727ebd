"""What `run` and `scale` share: showing the progress, stopping in order, saying how it ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lic_bench.commands.exit_codes import FAILED, INTERRUPTED
from lic_bench.system import stop_signals
from lic_bench.terminal.output import console, errors

if TYPE_CHECKING:
    from lic_bench.run.session import Outcome
    from lic_bench.terminal.progress import RunProgress


def watched(measure: Callable[[RunProgress], Outcome]) -> Outcome:
    """Call `measure` with a display of its progress. Ctrl-C says how to go on and leaves with INTERRUPTED."""
    from lic_bench.terminal.progress import RunProgress

    try:
        stop_signals.raise_again()  # torch was imported just now, which swallows signals
        with closing(RunProgress(console)) as progress:
            return measure(progress)
    except KeyboardInterrupt:
        errors.say("lic-bench: stopped; what was measured is stored, the same command goes on.")
        raise typer.Exit(INTERRUPTED) from None


def finish(out: Path, outcome: Outcome) -> None:
    """Say what failed and what to do next; leave with FAILED if anything failed."""
    if outcome.failed:
        first = outcome.failed[0]
        errors.say(
            f"{len(outcome.failed)} records failed, the first: {first.codec} quality {first.quality} "
            f"{first.dataset}/{first.image}: {first.error}"
        )
    for row in outcome.failed_complexity:
        errors.say(f"No complexity of {row.codec} by {row.counter}: {row.error}")
    for batch in outcome.failed_throughput:
        errors.say(f"No throughput of {batch.codec} quality {batch.quality} at batch {batch.batch}: {batch.error}")
    console.say(f"Next: lic-bench report {out}")
    if outcome.failed or outcome.failed_complexity or outcome.failed_throughput:
        raise typer.Exit(FAILED)
