"""The runs that this project ships: measured with `lic-bench run`, shown in reports beside the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from lic_bench.errors import UserError, unknown
from lic_bench.store import Run


@cache
def folders() -> dict[str, Path]:
    """name -> folder, those in an installed package or in the repository; {} where none came along."""
    package = Path(__file__).resolve().parent
    for root in (package.parent / "results" / "measured", package / "data" / "measured"):
        if found := sorted(path.parent for path in root.glob("*/run.json")):
            return {folder.name: folder for folder in found}
    return {}


def choose(which: str) -> list[Path]:
    """The folders of "all", "none" or names separated by commas.

    Raises UserError for a name that is none of them, and for no name at all.
    """
    known = folders()
    if which in ("all", "none"):
        return list(known.values()) if which == "all" else []
    names = [name.strip() for name in which.split(",") if name.strip()]
    if not names:
        raise UserError(f"--reference {which!r} names no run; give {', '.join([*known, 'all'])} or none.")
    for name in names:
        if name not in known:
            raise unknown("reference run", name, [*known, "all", "none"])
    return [known[name] for name in names]


def beside(references: Sequence[Run], runs: Sequence[Run]) -> list[Run]:
    """The reference runs without what the user's runs have measured themselves: the same codec on the same images.

    A reference run of which nothing is left is left out.
    """
    own = {measured for run in runs for measured in _measured(run).values()}
    for run in references:
        again = {pair for pair, measured in _measured(run).items() if measured in own}
        pairs = zip(run.records.codec, run.records.dataset, strict=True)
        run.records = run.records[[pair not in again for pair in pairs]]
    return [run for run in references if len(run.records)]


def _measured(run: Run) -> dict[tuple[str, str], tuple[str, frozenset[tuple[str, int, int]]]]:
    """(codec, data set) -> the codec and its images as (name, width, height)."""
    groups = run.records.groupby(["codec", "dataset"])
    images = ["image", "width", "height"]
    return {
        (str(codec), str(dataset)): (str(codec), frozenset(group[images].itertuples(index=False, name=None)))
        for (codec, dataset), group in groups
    }
