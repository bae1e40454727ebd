"""The perceptual metrics that --metrics and --metric-weights ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.measuring import find_implementations
from lic_bench.measurement.perceptual.registry import METRICS
from lic_bench.option_lists import split_list
from lic_bench.system.named_folders import named_folder


@dataclass(slots=True)
class Metrics:
    """The perceptual metrics that are measured. by: name -> who measures it. notes: those that cannot be, and why."""

    by: dict[str, str] = field(default_factory=dict)
    weights: Mapping[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose_metrics(names: str | None, weights: Sequence[str]) -> Metrics:
    """The metrics of --metrics, "all" or names.

    Raises UserError for an unknown one, and for one that is named and cannot be measured here.
    """
    files = _weights_files(weights)
    if names is None:
        return Metrics()
    asked = split_list(names, "--metrics")
    there, missing = find_implementations([*METRICS] if asked == ["all"] else asked, files)
    if missing and asked != ["all"]:
        name, why = next(iter(missing.items()))
        raise UserError(f"--metrics {name} cannot be measured here: {why}")
    return Metrics(there, files, [f"without {name}: {why}" for name, why in missing.items()])


def _weights_files(options: Sequence[str]) -> dict[str, Path]:
    """The files of --metric-weights METRIC=FILE."""
    files: dict[str, Path] = {}
    for option in options:
        name, equals, file = option.partition("=")
        path = named_folder(file)
        if not equals or name not in METRICS or path is None or not path.is_file():
            raise UserError(
                f"--metric-weights {option}: write METRIC=FILE, as lpips=alexnet.pth, with a file that is there."
            )
        files[name] = path
    return files
