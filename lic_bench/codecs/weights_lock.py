"""The weights that came first under each name; what comes later has to be the same until a person says otherwise."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lic_bench.errors import UserError
from lic_bench.system.whole_file import write_whole

LOCK = "weights.lock.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One downloaded file. size: bytes. date: of the download, as YYYY-MM-DD."""

    sha256: str
    url: str
    size: int
    date: str


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
