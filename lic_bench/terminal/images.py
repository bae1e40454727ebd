"""The images of a run that are no whole, still, 8-bit RGB pictures: what they are and what becomes of them."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image
from lic_bench.terminal.output import console

MOST_ROWS = 40
LEFT_OUT, CONVERTED, STORED = "left out", "converted", "measured as stored"


def show_images(datasets: Sequence[Dataset]) -> None:
    """Print one table of the images of all data sets that are anything else than 8-bit RGB; nothing if none is."""
    odd = [(dataset, image) for dataset in datasets for image in dataset.images if image.oddity]
    if odd:
        console.print(_images_table(odd, sum(len(dataset.images) for dataset in datasets)))


def _images_table(odd: Sequence[tuple[Dataset, Image]], total: int) -> Table:
    """One row per image: name, what it is, what becomes of it and why, what --convert does."""
    counts = Counter(_fate(image) for _, image in odd)
    said = ", ".join(f"{counts[fate]} {fate}" for fate in (LEFT_OUT, CONVERTED, STORED) if counts[fate])
    more = f"and {len(odd) - MOST_ROWS} more" if len(odd) > MOST_ROWS else None
    title = f"{len(odd)} of {total} images are not just 8-bit RGB: {said}"
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", caption=more)
    for heading in ("image", "what it is", "in this run", "--convert"):
        table.add_column(heading, overflow="fold")
    for dataset, image in odd[:MOST_ROWS]:
        table.add_row(*map(Text, (f"{dataset.name}/{image.name}", *_cells(image))))  # names are no markup
    return table


def _fate(image: Image) -> str:
    return LEFT_OUT if image.problem else CONVERTED if image.convert else STORED


def _cells(image: Image) -> tuple[str, str, str]:
    if image.oddity is None:
        raise ValueError(f"{image.name} is 8-bit RGB")
    fate = f"{LEFT_OUT}: {image.oddity.reason}" if image.problem else _fate(image)
    return image.oddity.what, fate, image.oddity.rules_text or f"no: {image.oddity.advice.rpartition(': ')[2]}"
