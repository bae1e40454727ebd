"""Where the authors' weights are looked for, and whether they are those known by hash; needs no torch.

The lock names the files that came first; what comes later has to be the same until a person says otherwise.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_path

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


def find_checkpoints(spec: CodecSpec, folders: list[Path]) -> dict[int, Path]:
    """quality -> weights file, for those of the codec's checkpoints that are there (FOLDER/file, FOLDER/codec/file)."""
    files = {}
    for quality, checkpoint in spec.checkpoints.items():
        places = [folder / inner / checkpoint.file for folder in folders for inner in ("", spec.name)]
        if file := next((place for place in places if place.is_file()), None):
            files[quality] = file
    return files


def check_sha256(spec: CodecSpec, quality: int, file: Path) -> None:
    """Raise UserError if this file has another hash than the codec's SPEC, or without one the lock, knows it by."""
    known = spec.checkpoints[quality].sha256
    if known and known != sha256_of(file):
        raise UserError(
            f"{file} is not the released file: sha256 {sha256_of(file)}, expected {known}; remove it and get it again."
        )
    if not known:
        _check_lock(file, key_of(spec.name, spec.checkpoints[quality].file), spec.name)


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
