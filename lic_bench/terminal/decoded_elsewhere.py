"""What `lic-bench metrics` understood of the pictures of others, and what does not fit."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from rich.table import Table

from lic_bench.run.decoded_elsewhere.picture_pairs import Pairing, Problem
from lic_bench.terminal.plain_table import plain_table

MOST_ROWS, MOST_NAMES = 20, 3
NO_SIZES = "none: distortions only, no rates and no curves; --sizes FILE.csv gives them"


def pairing_table(pairing: Pairing) -> Table:
    """One row for each codec: its qualities and how many pictures fit; the pattern and the sizes above it."""
    counts: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for pair in pairing.pairs:
        counts[pair.name.codec][pair.name.quality] += 1
    rows = []
    for codec, of_quality in sorted(counts.items()):
        rows.append([codec, ", ".join(map(str, sorted(of_quality))), str(sum(of_quality.values()))])
    return plain_table(["codec", "qualities", "pictures"], rows)


def pairing_lines(pairing: Pairing) -> list[str]:
    """How the names were read, against which originals, and where the sizes are from."""
    usable = len(pairing.dataset.usable)
    return [
        f"Names: {pairing.pattern}",
        f"Originals: {pairing.dataset.name}, {usable} image{'s' * (usable != 1)}",
        f"Sizes: {pairing.sizes or NO_SIZES}",
    ]


def perceptual_tables(folder: Path) -> Iterator[Table]:
    """Of each codec and data set in a run that has perceptual values: their means, a row per metric."""
    from lic_bench.store.run_folder import Run

    records = Run(folder).records
    for (codec, _), rows in records[records.perceptual.map(bool)].groupby(["codec", "dataset"]):
        values = rows.set_index("quality").perceptual.apply(pd.Series).astype(float)  # NaN where a picture has none
        means = values.groupby("quality").agg(lambda column: column.mean(skipna=False))
        texts = [[str(name), *map(_number, means[name])] for name in means]
        yield plain_table([str(codec), *(f"quality {quality}" for quality in means.index)], texts)


def _number(mean: float) -> str:
    return "-" if mean != mean else f"{mean:.3f}"


def problems_table(problems: Sequence[Problem]) -> Table:
    """One row for each codec, quality and kind of problem, with its first images; at most MOST_ROWS."""
    images: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for problem in problems:
        images[problem.codec or "-", str(problem.quality) or "-", problem.what].append(problem.image)
    rows = [[*key, _few(names)] for key, names in images.items()]
    table = plain_table(["codec", "quality", "what does not fit", "images"], rows[:MOST_ROWS])
    table.title, table.title_justify = f"{len(problems)} do not fit", "left"
    table.caption = f"and {len(rows) - MOST_ROWS} more rows" if len(rows) > MOST_ROWS else None
    return table


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
