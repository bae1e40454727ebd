"""Which weights a run takes: the files that are there, those that must be there, or random ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lic_bench.codecs.checkpoints import check_sha256, checkpoint_folders, find_checkpoints
from lic_bench.codecs.factory_targets import is_target
from lic_bench.codecs.loading import check_fits
from lic_bench.errors import UserError
from lic_bench.spec import CodecSpec
from lic_bench.system.named_folders import named_folder

Files = Mapping[str, Mapping[int, Path]]  # codec -> quality -> weights file
Qualities = Mapping[str, tuple[int, ...]]  # codec -> qualities that were asked for


def parse_checkpoints(options: Sequence[str], specs: Sequence[CodecSpec]) -> Files:
    """The weights files that --checkpoint names: "CODEC=FILE", of a codec with several qualities "CODEC:3=FILE".

    A factory that takes no quality may have several files, each under a quality of its own. A codec's variants have
    the files of the codec.
    Raises UserError for what is no such text, a codec or a quality that is not there, and a file that is not there.
    """
    files: dict[str, dict[int, Path]] = {}
    for option in options:
        spec, quality, file = _named_file(option, specs)
        of_codec = files.setdefault(spec.base, {})
        if quality in of_codec:
            raise UserError(f"--checkpoint {option}: {spec.base} has a file at {spec.quality_name} {quality} already.")
        of_codec[quality] = file
    return {spec.name: files[spec.base] for spec in specs if spec.base in files}


def with_named_qualities(specs: Sequence[CodecSpec], named: Files) -> list[CodecSpec]:
    """The codecs; a factory that takes no quality has those of the files that --checkpoint names."""
    return [replace(s, qualities=tuple(sorted(named[s.name]))) if _is_free(s) and s.name in named else s for s in specs]


def find_weights(
    specs: Sequence[CodecSpec], asked: Qualities, mode: str | None, checkpoints: Path | None, named: Files
) -> Files:
    """The weights files that are there, none of them opened.

    mode, checkpoints: --weights and --checkpoints of `lic-bench run`. Without --weights what is there is taken; where
    --checkpoints is given, codecs with released weights must have some. named: see parse_checkpoints; a codec in it
    has no others. Raises UserError where weights are missing.
    """
    own = [spec.name for spec in specs if spec.own_weights]
    if own and mode == "random":
        raise UserError(f"--weights random: {own[0]!r} brings weights of its own; leave one of the two out.")
    if named and mode == "random":
        raise UserError(
            f"--weights random: --checkpoint names weights of {next(iter(named))!r}; leave one of the two out."
        )
    folders = checkpoint_folders(checkpoints)
    files: dict[str, dict[int, Path]] = {}
    for spec in filter(_takes_files, specs):
        found = {} if mode == "random" else find_checkpoints(spec, folders)
        files[spec.name] = dict(named.get(spec.name, found))
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
            notes += check_fits(spec, quality, file)
        lacking = [quality for quality in asked.get(spec.name, ()) if quality not in used]
        if lacking or not used:
            which = f" at {spec.quality_name} {', '.join(map(str, lacking))}" if lacking else ""
            hint = "; if the factory gives trained ones, add :weights=own" if is_target(spec.name) else ""
            notes.append(f"{spec.name}: no weights{which}; random ones give latency and complexity, no quality{hint}")
    return notes


def _named_file(option: str, specs: Sequence[CodecSpec]) -> tuple[CodecSpec, int, Path]:
    """The codec, quality and file of one --checkpoint."""
    names = {name: spec for spec in specs for name in (spec.base, spec.name, *spec.aliases)}
    fitting = [name for name in names if option.startswith((f"{name}=", f"{name}:"))]
    if not fitting:
        known = ",".join(spec.name for spec in specs)
        raise UserError(f"--checkpoint {option}: write CODEC=FILE or CODEC:QUALITY=FILE, of --codecs {known}.")
    name = max(fitting, key=len)
    spec = names[name]
    number, _, path = option.removeprefix(name).removeprefix(":").partition("=")
    if not _takes_files(spec):
        why = "brings weights of its own" if spec.own_weights else f"is a {spec.kind} codec: it has no weights"
        raise UserError(f"--checkpoint {option}: {spec.name} {why}; leave it out.")
    if not number and len(spec.qualities) > 1:
        raise UserError(
            f"--checkpoint {option}: say at which {spec.quality_name}, as {name}:{spec.qualities[0]}={path or 'FILE'}; "
            f"allowed: {spec.allowed_text()}."
        )
    quality = _number(number, option) if number else spec.qualities[0]
    if not _is_free(spec):
        spec.check_quality(quality)
    file = named_folder(path)
    if file is None or not file.is_file():
        raise UserError(f"--checkpoint {option}: there is no file {path!r}.")
    return spec, quality, file


def _number(text: str, option: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"--checkpoint {option}: {text!r} is no quality; write a number from 1 on.")
    return int(text)


def _is_free(spec: CodecSpec) -> bool:
    """Whether every quality is the same network, so that the files alone tell them apart."""
    return is_target(spec.name) and "quality" not in spec.arguments


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
