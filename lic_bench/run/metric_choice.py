"""Which perceptual metrics a run measures: those asked for, or all that are there and need no weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.errors import UserError, unknown
from lic_bench.measurement.perceptual.measuring import find_implementations
from lic_bench.measurement.perceptual.registry import WITH_WEIGHTS, WITHOUT_WEIGHTS, parse_metrics
from lic_bench.run.options import Options, choose_saved
from lic_bench.store.saved_files import SAVED
from lic_bench.system.named_folders import named_folder

KEPT = "--measure perceptual sees the decoded pictures, which are kept: --save pictures"


@dataclass(frozen=True, slots=True)
class ChosenMetrics:
    """by: metric -> who measures it here, with version. files: metric -> the weights of its network.

    notes: that pictures are kept, if that was not asked for; a line for each metric that is left out.
    """

    by: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def hashes(self) -> dict[str, str]:
        """metric -> sha256 of its weights file."""
        return {name: sha256_of(file) for name, file in self.files.items()}


def choose_metrics(options: Options, parts: Sequence[str]) -> ChosenMetrics:
    """By --metrics and --metric-weights. Raises UserError for a metric asked for by name that cannot be measured."""
    if "perceptual" not in parts:
        given = (
            f"--metrics {options.metrics}"
            if options.metrics is not None
            else "".join(f"--metric-weights {text}" for text in options.metric_weights[:1])
        )
        if given:
            raise UserError(f"{given}: metrics are perceptual measurements; add them: --measure perceptual.")
        return ChosenMetrics()
    files = parse_metric_weights(options.metric_weights)
    named = parse_metrics(options.metrics, "--metrics") if options.metrics is not None else tuple(files)
    _check_weights(options, named, files)
    there, missing = find_implementations(named if options.metrics is not None else [*WITHOUT_WEIGHTS, *files], files)
    if lacking := next((name for name in named if name in missing), ""):
        raise UserError(f"{lacking} cannot be measured here: {missing[lacking]}")
    notes = [] if "pictures" in choose_saved(options.save) else [KEPT]
    return ChosenMetrics(there, files, notes + [f"left out: {name}, as {why}" for name, why in missing.items()])


def parse_metric_weights(options: Sequence[str]) -> dict[str, Path]:
    """metric -> file, of METRIC=FILE."""
    files: dict[str, Path] = {}
    for option in options:
        name, _, text = option.partition("=")
        file = named_folder(text) if text else None
        if name not in WITH_WEIGHTS:
            raise unknown(f"metric with weights in --metric-weights {option}:", name, WITH_WEIGHTS)
        if file is None or not file.is_file():
            raise UserError(f"--metric-weights {option}: {text or 'nothing'} is no file; write {name}=FILE.")
        if files.setdefault(name, file.absolute()) != file.absolute():
            raise UserError(f"--metric-weights {option}: {name} has two files; give one.")
    return files


def what_is_kept(save: str | None, parts: Sequence[str]) -> tuple[str, ...]:
    """What the run saves: by --save, and pictures where metrics are to see them."""
    implied = ("pictures",) if "perceptual" in parts else ()
    return tuple(kind for kind in SAVED if kind in (*choose_saved(save), *implied))


def _check_weights(options: Options, named: Sequence[str], files: Mapping[str, Path]) -> None:
    """Each metric that compares by a network has its weights, and no other has some."""
    if lacking := next((name for name in named if name in WITH_WEIGHTS and name not in files), ""):
        raise UserError(
            f"--metrics {options.metrics}: {lacking} compares by a network whose weights are yours to give: "
            f"--metric-weights {lacking}=FILE."
        )
    if needless := next((name for name in files if name not in named), ""):
        raise UserError(f"--metric-weights {needless}={files[needless]}: {needless} is not among --metrics.")
