"""Two measured codecs picture by picture: at the qualities with the nearest sizes, and at equal PSNR."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from lic_bench.rate_distortion.bd_rate import Floats
from lic_bench.rate_distortion.equal_rates import geometric_mean, nearest_sizes
from lic_bench.report.frames.coded_images import CodedDataset

MATCHED_PAIRS = [
    *("run", "codec", "label", "device", "dataset", "other_run", "other_codec", "other_label", "other_device"),
    *("n_points", "n_matched", "size_difference", "psnr_difference_db", "n_timed", "encode_ratio", "decode_ratio"),
    *("n_equal", "size_ratio"),
]
TOLERANCE = 0.10  # of the size; beyond it two bitstreams are not of about the same size


def matched_pairs_frame(datasets: Sequence[CodedDataset]) -> pd.DataFrame:
    """One row per two codecs that coded the same pictures of a data set, columns MATCHED_PAIRS.

    n_points: of the first codec, one per picture and quality. n_matched: of them, those to which the other has a size
    within TOLERANCE; over the nearest ones are size_difference, the mean relative distance, psnr_difference_db, the
    mean of the other's less the first's, and encode_ratio, decode_ratio, the geometric means of the other's time over
    the first's, over n_timed that one run took of both. size_ratio: the geometric mean of the other's size over the
    first's at equal PSNR, interpolated on the other's curve of each picture, over n_equal points. Two codecs with
    nothing to compare have no row.
    """
    rows = []
    for first, other in combinations(datasets, 2):
        if first.key[1] == other.key[1] or first.key[3] != other.key[3]:
            continue
        rows.append(
            first.columns | {f"other_{name}": text for name, text in other.columns.items()} | _summary(first, other)
        )
    told = [row for row in rows if row["n_equal"] or row["n_timed"] or np.isfinite(row["psnr_difference_db"])]
    return pd.DataFrame(told, columns=MATCHED_PAIRS)


def _summary(first: CodedDataset, other: CodedDataset) -> dict[str, float]:
    """Ratios are the other's over the first's, point by point of the pictures that both have coded."""
    shared = [(place, other.places[picture]) for picture, place in first.places.items() if picture in other.places]
    own, theirs = np.array(shared, np.intp).reshape(-1, 2).T
    nearest = nearest_sizes(first.bytes[own], other.bytes[theirs])

    def beside(values: Floats) -> Floats:
        return np.take_along_axis(values[theirs], nearest, 1)

    sizes = beside(other.bytes) / first.bytes[own]
    near = np.abs(sizes - 1) <= TOLERANCE
    psnr_db = _known((beside(other.psnr_db) - first.psnr_db[own])[near])
    timed = near & (first.key[0] == other.key[0])
    encode, decode = (_known((beside(other.seconds[n]) / first.seconds[n][own])[timed]) for n in ("encode", "decode"))
    equal = _known(other.curves[theirs].rates_at(first.curves.quality[own]) / first.curves.rate[own])
    return {
        "n_points": int(np.isfinite(first.bytes[own]).sum()),
        "n_matched": int(near.sum()),
        "size_difference": float(np.abs(sizes[near] - 1).mean()) if near.any() else float("nan"),
        "psnr_difference_db": float(psnr_db.mean()) if len(psnr_db) else float("nan"),
        "n_timed": len(decode),
        "encode_ratio": geometric_mean(encode),
        "decode_ratio": geometric_mean(decode),
        "n_equal": len(equal),
        "size_ratio": geometric_mean(equal),
    }


def _known(values: Floats) -> Floats:
    known: Floats = values[np.isfinite(values)]
    return known
