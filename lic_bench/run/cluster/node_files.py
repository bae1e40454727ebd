"""Where a worker finds the run's files: at the same path, in the folder that the nodes have for it, or sent to it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.errors import UserError
from lic_bench.run.cluster.chunks import NodeFile, Orders
from lic_bench.system.whole_file import write_whole

K = TypeVar("K")


class NodeFiles:
    """places: path at the run -> path here. lacking: those at the run that have to be sent before their use."""

    def __init__(self, orders: Orders) -> None:
        """Raises UserError where a file is here with another content."""
        self.folder = _scratch(orders)
        self.places: dict[Path, Path] = {}
        self.lacking: set[Path] = set()
        for file in orders.files:
            self.places[file.path] = self._find(file, orders)

    def places_of(self, files: Mapping[K, Path]) -> dict[K, Path]:
        """The files with their paths here."""
        return {key: self.places.get(path, path) for key, path in files.items()}

    def keep(self, file: NodeFile, data: bytes) -> None:
        """Write a file that was sent. Raises UserError where it did not arrive whole, or cannot be written."""
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise UserError(f"{file.path.name} did not arrive whole.")
        try:
            write_whole(self.places[file.path], data)
        except OSError as error:
            raise UserError(f"Cannot write {self.places[file.path]}: {error.strerror}.") from None
        self.lacking.discard(file.path)

    def _find(self, file: NodeFile, orders: Orders) -> Path:
        for path in _candidates(file.path, orders):
            if path.is_file():
                if path.stat().st_size != file.size or sha256_of(path) != file.sha256:
                    raise UserError(f"{path} is another file than the run's {file.path}")
                return path
        sent = self.folder / f"{file.sha256[:32]}-{file.path.name}"
        if not (sent.is_file() and sha256_of(sent) == file.sha256):
            self.lacking.add(file.path)
        return sent


def _candidates(path: Path, orders: Orders) -> list[Path]:
    there = [node / path.relative_to(here) for here, node in orders.folders if path.is_relative_to(here)]
    return [*there, path]


def _scratch(orders: Orders) -> Path:
    """The folder for what is sent: the worker's own, which Dask removes at its end, if none is named."""
    from distributed import get_worker

    folder = (orders.scratch or Path(get_worker().local_directory)) / "lic-bench"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make {folder}: {error.strerror}; name another folder as scratch.") from None
    return folder
