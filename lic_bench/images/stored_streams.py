"""Where the bitstreams are that others made of a data set's pictures."""

from collections.abc import Iterable
from pathlib import Path

from lic_bench.images.datasets import data_folders


def stream_folders(codec: str, given: Path | None = None, data_root: Path | None = None) -> list[Path]:
    """The folders in which a codec's bitstreams are looked for: the given one, else DATA/codec beside the data sets."""
    return [given] if given else [root / codec for root in data_folders(data_root)]


def stream_file(name: str, dataset: str, folders: Iterable[Path]) -> Path | None:
    """The file of this name in one of the folders, or in a folder of the data set's name there; None if in none."""
    places = (folder / inner / name for folder in folders for inner in (dataset, ""))
    return next((place for place in places if place.is_file()), None)
