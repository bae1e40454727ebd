"""The runs that this project ships: measured with `lic-bench run`, shown in reports beside the user's own."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from lic_bench.errors import UserError, unknown
from lic_bench.rate_distortion.shipped_data import shipped_files
from lic_bench.report.frames.image_sets import Picture, pictures_of
from lic_bench.store.run_folder import Run
from lic_bench.store.run_json import is_elsewhere

TIMES = "-times"  # ends the name of a run of few images on an idle machine; their times go into the other run
KEY = ["codec", "quality", "dataset", "image"]
TIMED = (
    *("encode_s", "decode_s", "cold_start_s", "canary_s", "rounds_repeated", "drifted", "phases_s"),
    *("peak_memory_bytes", "conditions", "energy_j", "protocol"),
)


@cache
def reference_folders() -> dict[str, Path]:
    """The folder of each reference run by name; {} if none came along."""
    return {file.parent.name: file.parent for file in shipped_files("measured/*/run.json")}


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
    """The reference runs; a run "kodak-times" becomes part of the run "kodak".

    The times and memory of an image go into its record in the other run. If the bitstreams differ, or the kind of
    machine, the two runs stay apart.
    """
    by_name = {run.name: run for run in references}
    merged = set()
    for name, run in by_name.items():
        times = by_name.get(f"{name}{TIMES}")
        if times is not None and _is_same_coding(times, run) and _copy_times(times.records, run.records):
            merged.add(times.name)
    return [run for run in references if run.name not in merged]


def _is_same_coding(times: Run, run: Run) -> bool:
    """Whether every bitstream of `times` is one of `run`, and their machines are of one kind."""
    coded, timed = (set(r.records[[*KEY, "bitstream_sha256"]].itertuples(index=False, name=None)) for r in (run, times))
    first, second = (r.info["fingerprint"] for r in (run, times))
    return timed <= coded and all(first.get(name) == second.get(name) for name in ("cpu", "cores_usable", "gpu"))


def _copy_times(times: pd.DataFrame, records: pd.DataFrame) -> bool:
    """Copy the columns TIMED into the records of the same image and quality; False if those have times already."""
    if any(records.encode_s.map(len)):
        return False
    places = {key: place for place, key in enumerate(records[KEY].itertuples(index=False, name=None))}
    for row, key in zip(times.to_dict("records"), times[KEY].itertuples(index=False, name=None), strict=True):
        for name in TIMED:
            records.iat[places[key], list(records.columns).index(name)] = row[name]
    return True


def without_remeasured(references: Sequence[Run], runs: Sequence[Run]) -> list[Run]:
    """The reference runs without the codecs that the user's runs have coded on the same images, not elsewhere.

    A reference run of which nothing remains is left out.
    """
    own = {measured for run in runs if not is_elsewhere(run.info) for measured in _images_by_codec(run).values()}
    for run in references:
        remeasured = {pair for pair, measured in _images_by_codec(run).items() if measured in own}
        pairs = zip(run.records.codec, run.records.dataset, strict=True)
        run.records = run.records.loc[[pair not in remeasured for pair in pairs]]
    return [run for run in references if len(run.records)]


def _images_by_codec(run: Run) -> dict[tuple[str, str], tuple[str, frozenset[Picture]]]:
    """(codec, data set) -> the codec and its pictures."""
    groups = run.records.groupby(["codec", "dataset"])
    return {(str(codec), str(dataset)): (str(codec), pictures_of(group)) for (codec, dataset), group in groups}
