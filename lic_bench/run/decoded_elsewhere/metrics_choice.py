"""The perceptual metrics that --metrics and --metric-weights ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lic_bench.errors import UserError, unknown
from lic_bench.measurement.perceptual.measuring import find_implementations
from lic_bench.measurement.perceptual.registry import JPEG_AI, METRICS, WITHOUT_WEIGHTS
from lic_bench.option_lists import split_list
from lic_bench.system.named_folders import named_folder

ALL, GROUP = "all", "jpeg-ai"


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
    files = _weights_files(weights)
    if names is None:
        if files:
            raise UserError("--metric-weights without --metrics measures nothing; name the metric there too.")
        return Metrics()
    asked = split_list(names, "--metrics")
    named = [metric for name in asked if name != ALL for metric in (JPEG_AI if name == GROUP else (name,))]
    there, missing = find_implementations([*named, *((*WITHOUT_WEIGHTS, *files) if ALL in asked else ())], files)
    if lacking := next((name for name in named if name in missing), ""):
        raise UserError(f"--metrics {lacking} cannot be measured here: {missing[lacking]}")
    return Metrics(there, files, [f"left out: {name}, as {why}" for name, why in missing.items()])


def _weights_files(options: Sequence[str]) -> dict[str, Path]:
    """The files of --metric-weights METRIC=FILE."""
    files: dict[str, Path] = {}
    for option in options:
        name, _, text = option.partition("=")
        file = named_folder(text)
        if name not in METRICS or name in WITHOUT_WEIGHTS:
            raise unknown("metric with weights:", name, METRICS.keys() - {*WITHOUT_WEIGHTS})
        if file is None or not file.is_file():
            raise UserError(f"--metric-weights {option}: {text or 'nothing'} is no file; write {name}=FILE.")
        files[name] = file
    return files
