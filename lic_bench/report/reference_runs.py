"""The runs that this project ships: measured with `lic-bench run`, shown in reports beside the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from lic_bench.errors import UserError, unknown
from lic_bench.store.run_folder import Run

TIMES = "-times"  # after the name of a run: times of a part of its images, taken apart as nothing else may run then
KEY = ["codec", "quality", "dataset", "image"]
TAKEN = (
    *("encode_s", "decode_s", "cold_start_s", "canary_s", "rounds_repeated", "drifted", "phases_s"),
    *("peak_memory_bytes", "conditions", "energy_j", "protocol"),
)


@cache
def reference_folders() -> dict[str, Path]:
    """name -> folder, those in an installed package or in the repository; {} where none came along."""
    package = Path(__file__).resolve().parents[1]
    for root in (package.parent / "results" / "measured", package / "data" / "measured"):
        if found := sorted(path.parent for path in root.glob("*/run.json")):
            return {folder.name: folder for folder in found}
    return {}


def choose_references(which: str) -> list[Path]:
    """The folders of "all", "none" or names separated by commas.

    Raises UserError for a name that is none of them, and for no name at all.
    """
    known = reference_folders()
    if which in ("all", "none"):
        return list(known.values()) if which == "all" else []
    names = [name.strip() for name in which.split(",") if name.strip()]
    if not names:
        raise UserError(f"--reference {which!r} names no run; give {', '.join([*known, 'all'])} or none.")
    for name in names:
        if name not in known:
            raise unknown("reference run", name, [*known, "all", "none"])
    return [known[name] for name in names]


def merge_times(references: Sequence[Run]) -> list[Run]:
    """The reference runs, a run "kodak-times" become part of the run "kodak".

    What was taken of an image then goes into the record of it that has the same bitstream, made on a machine of the
    same kind. Where none has, the two stay apart.
    """
    by_name = {run.name: run for run in references}
    left = dict(by_name)
    for name, run in by_name.items():
        times = by_name.get(f"{name}{TIMES}")
        if times is not None and _alike(times, run) and _take_over(times.records, run.records):
            del left[times.name]
    return list(left.values())


def _alike(times: Run, run: Run) -> bool:
    """Whether every bitstream of `times` is one of `run`, and their machines are of one kind."""
    mine, theirs = (set(r.records[[*KEY, "bitstream_sha256"]].itertuples(index=False, name=None)) for r in (run, times))
    kinds = [{name: r.info["fingerprint"].get(name) for name in ("cpu", "cores_usable", "gpu")} for r in (run, times)]
    return theirs <= mine and kinds[0] == kinds[1]


def _take_over(times: pd.DataFrame, records: pd.DataFrame) -> bool:
    """Put what was taken with times into the records of the same key; False where those have times already."""
    if any(records.encode_s.map(len)):
        return False
    places = {key: place for place, key in enumerate(records[KEY].itertuples(index=False, name=None))}
    for row, key in zip(times.to_dict("records"), times[KEY].itertuples(index=False, name=None), strict=True):
        for name in TAKEN:
            records.iat[places[key], list(records.columns).index(name)] = row[name]
    return True


def without_remeasured(references: Sequence[Run], runs: Sequence[Run]) -> list[Run]:
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
