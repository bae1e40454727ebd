"""The runs that printed numbers are held against: the user's, and the operations and parameters counted here."""

from collections.abc import Sequence
from pathlib import Path

from lic_bench.rate_distortion.shipped_data import shipped_files
from lic_bench.store.run_folder import Run

COUNTS = "counts"  # folder of results/ with the shipped run that has counts alone


def open_runs(folders: Sequence[Path]) -> list[Run]:
    """Each run once, under its folder's name, or the whole path where two would have the same."""
    folders = list(dict.fromkeys(folder.resolve() for folder in folders))
    names = [folder.name for folder in folders]
    return [Run(folder, folder.name if names.count(folder.name) == 1 else str(folder)) for folder in folders]


def with_shipped_counts(runs: Sequence[Run]) -> list[Run]:
    """The runs, and the shipped counts of the codecs that none of them counted."""
    counts = [Run(file.parent, f"results/{COUNTS}") for file in shipped_files(f"{COUNTS}/run.json")]
    counted = {codec for run in runs for codec in run.complexity.codec}
    for run in counts:
        run.complexity = run.complexity[~run.complexity.codec.isin(counted)]
    return [*runs, *counts]
