"""How far two equal runs that take turns differ on this machine, by each statistic that could compare them.

    python benchmarks/in_turn.py [--starts 5] [--turns 160] [--block 40]

Two runs of JPEG 2000 and a tiny LALIC (those of compare_proof.py) take turns as in `lic-bench compare --confirm`; of
each block of turns after each start the difference new - base of their times' logarithms by 10 % quantiles (floors), by
medians, and by the median of the differences side by side. The standard deviation of these over all blocks, in per
cent, says how many blocks are needed: one of half of it needs a quarter.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from compare_proof import RUN, WORKLOAD

from lic_bench.compare.statistics import Floats, floor, side_by_side
from lic_bench.compare.turn_server import take_turns
from lic_bench.machine.machine_lock import hold_machine

STATISTICS: dict[str, Callable[[Floats, Floats], float]] = {
    "floors": lambda base, new: float(floor(new) - floor(base)),
    "medians": lambda base, new: float(np.median(new) - np.median(base)),
    "side by side": side_by_side,
}
Rows = dict[str, dict[str, Any]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--turns", type=int, default=160, help="after each start")
    parser.add_argument("--block", type=int, default=40, help="turns in a block; a look of --confirm has 40 per start")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="in-turn-") as folder:
        base, new = _both_runs(Path(folder), arguments.starts, arguments.turns)
    print(f"{'':26}{'quantiles, ms':>15}" + "".join(f"{name:>14}" for name in STATISTICS))
    for codec in base:
        for operation in ("encode_s", "decode_s"):
            pairs = list(_blocks(base[codec], new[codec], operation, arguments.turns // arguments.block))
            spreads = [100 * np.std([by(*pair) for pair in pairs], ddof=1) for by in STATISTICS.values()]
            low, middle = 1e3 * np.quantile(base[codec][operation], (0.1, 0.5))
            print(f"{codec:19}{operation:>7}{f'{low:.2f} {middle:.2f}':>15}" + "".join(f"{s:12.1f} %" for s in spreads))


def _both_runs(folder: Path, starts: int, turns: int) -> tuple[Rows, Rows]:
    """Codec -> its record, of the one run and of the other."""
    os.environ |= {"SLOWED": "1", "OMP_NUM_THREADS": "1"}
    what = [*WORKLOAD[: WORKLOAD.index("--repeats")], "--limit", "1", "--repeats", str(turns), "--measure", "latency"]
    more = ["--starts", str(starts), "--budget", "60"]
    with hold_machine(lambda line: print(line, file=sys.stderr)):
        take_turns({name: [*RUN, *what, *more, "--out", str(folder / name)] for name in ("base", "new")})
    base, new = (map(json.loads, (folder / n / "records.jsonl").read_text().splitlines()) for n in ("base", "new"))
    return {row["codec"]: row for row in base}, {row["codec"]: row for row in new}


def _blocks(base: dict[str, Any], new: dict[str, Any], operation: str, count: int) -> Iterator[tuple[Floats, Floats]]:
    """Logarithms of the samples of both runs: those after each start, cut into `count` blocks."""
    for start in sorted(set(base["starts"])):
        samples = [np.log(row[operation])[np.asarray(row["starts"]) == start] for row in (base, new)]
        yield from zip(*(np.array_split(logs, count) for logs in samples), strict=True)


if __name__ == "__main__":
    main()
