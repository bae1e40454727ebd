"""Bitstreams of slow encoders, kept by what they were made from: image, coder and options.

A bitstream from the cache has no encoding time, so a timed run never reads it. What cannot be stored is kept in memory.
"""

import contextlib
import errno
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from lic_bench.errors import UserError
from lic_bench.system.named_folders import named_folder
from lic_bench.system.whole_file import DRAFT, write_whole

VARIABLE = "LIC_BENCH_CACHE"
FULL = (errno.ENOSPC, errno.EDQUOT)
ABANDONED_S = 24 * 3600.0  # age of a draft whose writer must have been killed; writing one takes a moment


def cache_folder() -> Path:
    """The folder of the bitstreams: below $LIC_BENCH_CACHE, else in the user cache."""
    return (named_folder(os.environ.get(VARIABLE)) or user_cache_path("lic-bench")) / "bitstreams"


def cache_key(content: bytes, size: tuple[int, int], coder: Sequence[str], options: Sequence[str]) -> str:
    """A sha256 over all that decides a bitstream.

    content: what the encoder reads, after any conversion. size: height and width of the picture. coder: its name, its
    version and the hash of the program. options: all that change the bytes.
    """
    digest = hashlib.sha256(content).hexdigest()
    text = json.dumps({"input": digest, "size": size, "coder": list(coder), "options": list(options)})
    return hashlib.sha256(text.encode()).hexdigest()


_kept_in_memory: dict[Path, tuple[bytes, str]] = {}  # by where they would be, with the reason why they are not there


def cache_trouble() -> str | None:
    """What to tell the user of bitstreams that this process could not store, in one line; None if it stored all."""
    if not _kept_in_memory:
        return None
    path, (_, reason) = next(iter(_kept_in_memory.items()))
    return (
        f"the bitstream cache, {path.parents[1]}, cannot be written ({reason}): {len(_kept_in_memory)} bitstreams are "
        f"not kept for another run; make room or name another folder by ${VARIABLE}"
    )


@dataclass(frozen=True, slots=True)
class BitstreamCache:
    """One file per key in a folder, written whole or not at all; several processes may share the folder."""

    folder: Path

    def prepare(self) -> None:
        """Make the folder and remove the drafts of writers that were killed. Raises UserError if it is not writable.

        One that is full is taken. A run calls it before anything is measured: else every image would fail by itself.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=DRAFT) as file:
                file.write(b"x")
        except OSError as error:
            if error.errno not in FULL:
                raise UserError(
                    f"Cannot write to the bitstream cache, {self.folder}: {error.strerror}; make it writable or name "
                    f"another folder by ${VARIABLE}."
                ) from None
        for draft in self.folder.glob(f"*/*{DRAFT}"):
            with contextlib.suppress(OSError):  # another process may remove it now
                if draft.stat().st_mtime < time.time() - ABANDONED_S:
                    draft.unlink()

    def get(self, key: str) -> bytes | None:
        """The bitstream of this key; None if there is none or if it is damaged."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            kept = _kept_in_memory.get(self._path(key))
            return kept[0] if kept else None
        digest, payload = data[:32], data[32:]
        return payload if hashlib.sha256(payload).digest() == digest else None

    def put(self, key: str, payload: bytes) -> None:
        """Keep a bitstream; what cannot be stored, in memory."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, hashlib.sha256(payload).digest() + payload)
        except OSError as error:
            _kept_in_memory[path] = payload, str(error.strerror)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key
