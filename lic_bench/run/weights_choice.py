"""Which weights a run takes: what is there, what must be there, what is made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lic_bench.codecs.checkpoints import check_sha256, checkpoint_folders, find_checkpoints
from lic_bench.codecs.factory_targets import is_target
from lic_bench.codecs.loading import load_model
from lic_bench.errors import UserError
from lic_bench.run.choices import WEIGHTS
from lic_bench.spec import CodecSpec


def choose_weights(
    specs: Sequence[CodecSpec], asked: Mapping[str, tuple[int, ...]], weights: str | None, checkpoints: Path | None
) -> tuple[dict[str, dict[int, Path]], list[str]]:
    """codec -> quality -> weights file, each opened once to see that it fits; and what to tell the user.

    weights, checkpoints: as of `lic-bench run`. Without --weights what is there is taken; where --checkpoints is
    given, codecs with released weights must have some.
    """
    mode = weights or "auto"
    if mode not in WEIGHTS:
        raise UserError(f"--weights {mode!r}: unknown; allowed: {', '.join(WEIGHTS)}.")
    folders = checkpoint_folders(checkpoints)
    files: dict[str, dict[int, Path]] = {}
    notes = []
    own = [spec.name for spec in specs if spec.own_weights]
    if own and mode == "random":
        raise UserError(f"--weights random: {own[0]!r} brings weights of its own; leave one of the two out.")
    for spec in (s for s in specs if s.kind == "learned" and not s.own_weights):
        found = {} if mode == "random" else find_checkpoints(spec, folders)
        if mode == "require" or (weights is None and checkpoints and spec.checkpoints):
            _require(spec, found, asked.get(spec.name), folders)
        wanted = asked.get(spec.name, tuple(found))
        for quality in (q for q in wanted if q in found):
            check_sha256(spec, quality, found[quality])
            load_model(spec.name, quality, found[quality])
        files[spec.name] = found
        lacking = [q for q in wanted if q not in found]
        if lacking or not found:
            which = f" at {spec.quality_name} {', '.join(map(str, lacking))}" if lacking else ""
            hint = "; if the factory gives trained ones, add :weights=own" if is_target(spec.name) else ""
            notes.append(f"{spec.name}: no weights{which}; random ones give latency and complexity, no quality{hint}")
    return files, notes


def _require(spec: CodecSpec, found: Mapping[int, Path], asked: tuple[int, ...] | None, folders: list[Path]) -> None:
    """Raise UserError where a quality asked for, or without one every quality, lacks its weights."""
    missing = [q for q in asked or spec.qualities if q not in found]
    if not missing or (found and not asked):
        return
    files = [spec.checkpoints[q].file for q in missing if q in spec.checkpoints]
    what = ", ".join(files[:3]) if files else f"none are known for {spec.quality_name} {missing[0]}"
    places = ", ".join(map(str, folders))
    raise UserError(f"Weights of {spec.name!r} are missing in {places}: {what}; put them there or add --weights auto.")
