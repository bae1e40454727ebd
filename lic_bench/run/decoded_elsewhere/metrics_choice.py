"""The perceptual metrics that --metrics and --metric-weights ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.measuring import find_implementations
from lic_bench.measurement.perceptual.registry import WITHOUT_WEIGHTS, parse_metrics
from lic_bench.run.metric_choice import parse_metric_weights
from lic_bench.system.option_lists import split_list

ALL = "all"


@dataclass(slots=True)
class Metrics:
    """The perceptual metrics that are measured. by: name -> who measures it. notes: those that cannot be, and why."""

    by: dict[str, str] = field(default_factory=dict)
    weights: Mapping[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose_metrics(names: str | None, weights: Sequence[str]) -> Metrics:
    """The metrics of --metrics: names, jpeg-ai, or all, which are those that need no weights and those that have some.

    Raises UserError for an unknown one, and for one that is named and cannot be measured here.
    """
    files = parse_metric_weights(weights)
    if names is None:
        if files:
            raise UserError("--metric-weights without --metrics measures nothing; name the metric there too.")
        return Metrics()
    asked = split_list(names, "--metrics")
    listed = ",".join(name for name in asked if name != ALL)
    named = parse_metrics(listed, "--metrics") if listed else ()
    there, missing = find_implementations([*named, *((*WITHOUT_WEIGHTS, *files) if ALL in asked else ())], files)
    if lacking := next((name for name in named if name in missing), ""):
        raise UserError(f"--metrics {lacking} cannot be measured here: {missing[lacking]}")
    return Metrics(there, files, [f"left out: {name}, as {why}" for name, why in missing.items()])
