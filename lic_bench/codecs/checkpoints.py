"""Where the authors' weights are looked for, and whether they are those known by hash; needs no torch.

The lock names the files that came first; what comes later has to be the same until a person says otherwise.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from lic_bench.codecs.factory_targets import is_target
from lic_bench.errors import UserError
from lic_bench.spec import CodecSpec
from lic_bench.system.named_folders import named_folder
from lic_bench.system.whole_file import write_whole

LOCK = "weights.lock.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One downloaded file. size: bytes. date: of the download, as YYYY-MM-DD."""

    sha256: str
    url: str
    size: int
    date: str


def checkpoint_folders(given: Path | None) -> list[Path]:
    """Where weights are looked for: --checkpoints, else $LIC_BENCH_CHECKPOINTS and the user cache."""
    if folder := named_folder(given):
        if not folder.is_dir():
            raise UserError(f"--checkpoints {given}: no such folder; give the folder that holds the weights files.")
        return [folder]
    named = named_folder(os.environ.get("LIC_BENCH_CHECKPOINTS"))
    return [*([named] if named else []), user_cache_path("lic-bench") / "checkpoints"]


def find_released(spec: CodecSpec, folders: list[Path]) -> dict[int, Path]:
    """quality -> weights file, for those of the codec's checkpoints that are there (FOLDER/file, FOLDER/codec/file)."""
    names = {quality: checkpoint.file for quality, checkpoint in spec.checkpoints.items()}
    return _present({q: [folder / inner / names[q] for folder in folders for inner in ("", spec.base)] for q in names})


def find_checkpoints(spec: CodecSpec, folders: list[Path]) -> dict[int, Path]:
    """quality -> weights file: the released one, else one of `lic-bench train`, else one that the package brings."""
    return shipped_checkpoints(spec) | _find_trained(spec, folders) | find_released(spec, folders)


def trained_name(spec: CodecSpec, quality: int) -> str:
    """The name of a weights file that `lic-bench train` writes."""
    if is_target(spec.name) and quality in spec.checkpoints:
        return spec.checkpoints[quality].file
    return f"{spec.load.partition(':')[2] if is_target(spec.name) else spec.base}-q{quality}.pth"


def shipped_checkpoints(spec: CodecSpec) -> dict[int, Path]:
    """quality -> weights file that comes with the codec's package."""
    if spec.shipped is None:
        return {}
    name, _, folder = spec.shipped.partition(":")
    package = find_spec(name)  # an editable one has two folders: the code's, and that of its compiled kernels
    places = [Path(place) / folder for place in (package.submodule_search_locations if package else None) or ()]
    names = {quality: trained_name(spec, quality) for quality in spec.qualities}
    return _present({quality: [place / names[quality] for place in places] for quality in names})


def _find_trained(spec: CodecSpec, folders: list[Path]) -> dict[int, Path]:
    """In a folder, or below it in one that is called like the codec or, as `lic-bench train` makes them, the file."""
    qualities = spec.checkpoints if is_target(spec.name) else spec.qualities
    names = {quality: trained_name(spec, quality) for quality in qualities}
    return _present(
        {
            quality: [folder / inner / name for folder in folders for inner in ("", spec.base, Path(name).stem)]
            for quality, name in names.items()
        }
    )


def _present(places: Mapping[int, Iterable[Path]]) -> dict[int, Path]:
    """quality -> the first of its places that is a file, where there is one."""
    first = {quality: next((path for path in paths if path.is_file()), None) for quality, paths in places.items()}
    return {quality: path for quality, path in first.items() if path}


def check_sha256(spec: CodecSpec, quality: int, file: Path) -> None:
    """Raise UserError if this file has another hash than the codec's SPEC, or without one the lock, knows it by."""
    if quality not in spec.checkpoints or file.name != spec.checkpoints[quality].file:
        return  # no released file
    known = spec.checkpoints[quality].sha256
    if known and known != sha256_of(file):
        raise UserError(
            f"{file} is not the released file: sha256 {sha256_of(file)}, expected {known}; remove it and get it again."
        )
    if not known:
        _check_lock(file, key_of(spec.base, spec.checkpoints[quality].file), spec.base)


def _check_lock(file: Path, key: str, codec: str) -> None:
    """The lock is in the folder that `find_checkpoints` found the file in, itself or under the codec's name."""
    folders = [file.parent, *([file.parent.parent] if file.parent.name == codec else [])]
    for folder in folders:
        entry = read_lock(folder).get(key)
        if entry and entry.sha256 != sha256_of(file):
            raise UserError(
                f"{file} has changed: sha256 {sha256_of(file)[:12]}..., the download of {entry.date} had "
                f"{entry.sha256[:12]}...; remove it to get it again, or remove {key!r} from {folder / LOCK} to keep it."
            )


def key_of(codec: str, file: str) -> str:
    """The name of a codec's file in the lock."""
    return f"{codec}/{file}"


def read_lock(folder: Path) -> dict[str, Entry]:
    """key -> entry, of the lock in a folder of weights; empty where there is none. UserError where it is damaged."""
    lock = folder / LOCK
    try:
        return {key: Entry(**entry) for key, entry in json.loads(lock.read_text()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        raise UserError(f"{lock} is damaged; repair it, or remove it to trust the next downloads.") from None


def write_lock(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Store a lock whole or not at all; OSError where the folder cannot be written."""
    values = {key: asdict(entry) for key, entry in sorted(entries.items())}
    write_whole(folder / LOCK, json.dumps(values, indent=1) + "\n")


def sha256_of(path: Path) -> str:
    """sha256 of a file in hexadecimal; remembered while the file keeps its size and time."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: Path, _size: int, _time: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
