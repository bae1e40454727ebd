"""Which weights a run takes: the files that are there, those that must be there, or random ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lic_bench.codecs.checkpoints import check_sha256, checkpoint_folders, find_checkpoints
from lic_bench.codecs.factory_targets import is_target
from lic_bench.codecs.loading import load_model
from lic_bench.errors import UserError
from lic_bench.run.options import WEIGHTS
from lic_bench.spec import CodecSpec

Files = Mapping[str, Mapping[int, Path]]  # codec -> quality -> weights file
Qualities = Mapping[str, tuple[int, ...]]  # codec -> qualities that were asked for


def find_weights(specs: Sequence[CodecSpec], asked: Qualities, mode: str | None, checkpoints: Path | None) -> Files:
    """The weights files that are there, none of them opened.

    mode, checkpoints: --weights and --checkpoints of `lic-bench run`. Without --weights what is there is taken; where
    --checkpoints is given, codecs with released weights must have some. Raises UserError where weights are missing.
    """
    if (mode or "auto") not in WEIGHTS:
        raise UserError(f"--weights {mode!r}: unknown; allowed: {', '.join(WEIGHTS)}.")
    own = [spec.name for spec in specs if spec.own_weights]
    if own and mode == "random":
        raise UserError(f"--weights random: {own[0]!r} brings weights of its own; leave one of the two out.")
    folders = checkpoint_folders(checkpoints)
    files: dict[str, dict[int, Path]] = {}
    for spec in filter(_takes_files, specs):
        files[spec.name] = {} if mode == "random" else find_checkpoints(spec, folders)
        if mode == "require" or (mode is None and checkpoints and spec.checkpoints):
            _require(spec, files[spec.name], asked.get(spec.name), folders)
    return files


def check_weights(specs: Sequence[CodecSpec], asked: Qualities, files: Files) -> list[str]:
    """Open each file once to see that it fits; what to tell the user of weights that are not there.

    files: those that the run uses. Raises UserError for a file of another hash, and for one that does not fit.
    """
    notes = []
    for spec in filter(_takes_files, specs):
        used = files[spec.name]
        for quality, file in used.items():
            check_sha256(spec, quality, file)
            load_model(spec.name, quality, file)
        lacking = [quality for quality in asked.get(spec.name, ()) if quality not in used]
        if lacking or not used:
            which = f" at {spec.quality_name} {', '.join(map(str, lacking))}" if lacking else ""
            hint = "; if the factory gives trained ones, add :weights=own" if is_target(spec.name) else ""
            notes.append(f"{spec.name}: no weights{which}; random ones give latency and complexity, no quality{hint}")
    return notes


def _takes_files(spec: CodecSpec) -> bool:
    return spec.kind == "learned" and not spec.own_weights


def _require(spec: CodecSpec, there: Mapping[int, Path], asked: tuple[int, ...] | None, folders: list[Path]) -> None:
    """Raise UserError where a quality asked for, or without one every quality, lacks its weights."""
    missing = [quality for quality in asked or spec.qualities if quality not in there]
    if not missing or (there and not asked):
        return
    files = [spec.checkpoints[quality].file for quality in missing if quality in spec.checkpoints]
    what = ", ".join(files[:3]) if files else f"none are known for {spec.quality_name} {missing[0]}"
    places = ", ".join(map(str, folders))
    raise UserError(f"Weights of {spec.name!r} are missing in {places}: {what}; put them there or add --weights auto.")
