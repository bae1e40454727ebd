"""Which bitstreams decode-only codecs decode: a file for each picture and quality, all of which must be there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset
from lic_bench.images.stored_streams import stream_file, stream_folders
from lic_bench.run.options import Options
from lic_bench.spec import CodecSpec, Streams
from lic_bench.system.named_folders import named_folder

Files = Mapping[int, Mapping[str, Path]]  # quality -> sha256 of a picture's file -> the file of its bitstream


def find_streams(
    specs: Sequence[CodecSpec], ladders: Mapping[str, Sequence[int]], datasets: Sequence[Dataset], options: Options
) -> dict[str, Files]:
    """Decode-only codec -> its bitstreams, one for every usable picture at every quality of its ladder.

    They are looked for in the folder that --streams names, else in DATA/<codec> of the folders that hold data sets; in
    a folder of the data set's name there, or directly. Raises UserError where one is missing, and for options that
    change pictures.
    """
    given = _given(options.streams, specs)
    found: dict[str, Files] = {}
    for spec in specs:
        if spec.streams:
            _check_whole_pictures(spec, options)
            folders = stream_folders(spec.name, given.get(spec.name), options.data_root)
            found[spec.name] = {q: _of_quality(spec, spec.streams, q, datasets, folders) for q in ladders[spec.name]}
    return found


def refuse_decode_only(specs: Sequence[CodecSpec], what: str) -> None:
    """Raise UserError where a codec only decodes. what: why that cannot be, and what to do."""
    if spec := next((spec for spec in specs if spec.streams), None):
        raise UserError(f"Codec {spec.name!r} only decodes bitstreams of whole pictures: {what}.")


def _given(options: Sequence[str], specs: Sequence[CodecSpec]) -> dict[str, Path]:
    """Codec -> folder, of --streams CODEC=FOLDER."""
    names = [spec.name for spec in specs if spec.streams]
    folders: dict[str, Path] = {}
    for option in options:
        name, equals, text = option.partition("=")
        folder = named_folder(text) if equals and text else None
        if not folder:
            raise UserError(f"--streams {option}: write CODEC=FOLDER, as cool-chic=streams.")
        spec = next((spec for spec in specs if name in (spec.name, *spec.aliases) and spec.streams), None)
        if spec is None:
            raise UserError(f"--streams {option}: decode-only codecs of --codecs are: {', '.join(names) or 'none'}.")
        if not folder.is_dir():
            raise UserError(f"--streams {option}: there is no folder {folder}.")
        folders[spec.name] = folder
    return folders


def _check_whole_pictures(spec: CodecSpec, options: Options) -> None:
    for name, value in (("--crop", options.crop), ("--quick", options.quick), ("--convert", options.convert)):
        if value:
            refuse_decode_only([spec], f"{name} changes the pictures; leave it or the codec out")


def _of_quality(
    spec: CodecSpec, streams: Streams, quality: int, datasets: Sequence[Dataset], folders: Sequence[Path]
) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for dataset in datasets:
        for image in dataset.usable:
            name = streams.file(quality, image.name)
            file = stream_file(name, dataset.name, folders)
            if file is None:
                raise _missing(spec, streams, f"{dataset.name}/{image.name}", name, folders)
            files[image.sha256 or ""] = file
    return files


def _missing(spec: CodecSpec, streams: Streams, picture: str, name: str, folders: Sequence[Path]) -> UserError:
    is_released = picture.startswith(f"{streams.dataset}/")
    get = (
        f"get it: lic-bench fetch streams --codecs {spec.name}"
        if is_released
        else f"only those of {streams.dataset} are released"
    )
    return UserError(
        f"Codec {spec.name!r} only decodes, and there is no bitstream of {picture}: no {name} in "
        f"{', '.join(map(str, folders))}; {get}, or say where they are: --streams {spec.name}=FOLDER."
    )
