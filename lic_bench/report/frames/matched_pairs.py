"""Two measured codecs picture by picture: at the qualities with the nearest sizes, and at equal PSNR."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from lic_bench.rate_distortion.bd_rate import Floats
from lic_bench.rate_distortion.equal_rates import geometric_mean, nearest_sizes, rate_at
from lic_bench.report.frames.coded_images import CodedDataset, CodedImage

MATCHED_PAIRS = [
    *("run", "codec", "label", "device", "dataset", "other_run", "other_codec", "other_label", "other_device"),
    *("n_points", "n_matched", "size_difference", "psnr_difference_db", "n_timed", "encode_ratio", "decode_ratio"),
    *("n_equal", "size_ratio"),
]
TOLERANCE = 0.10  # of the size; beyond it two bitstreams are not of about the same size
Chunks = list[Floats]


@dataclass(slots=True)
class _Pairs:
    """What is known of two codecs' points, picture by picture; ratios are the other's over the first's."""

    n_points: int = 0
    sizes: Chunks = field(default_factory=list)
    psnr_db: Chunks = field(default_factory=list)
    encode: Chunks = field(default_factory=list)
    decode: Chunks = field(default_factory=list)
    at_equal_psnr: Chunks = field(default_factory=list)

    def add(self, first: CodedImage, other: CodedImage, *, timed_together: bool) -> None:
        """A picture that both have coded."""
        self.n_points += len(first.bytes)
        nearest = nearest_sizes(first.bytes, other.bytes)
        ratios = other.bytes[nearest] / first.bytes
        near = np.abs(ratios - 1) <= TOLERANCE
        self.sizes.append(ratios[near])
        self.psnr_db.append((other.psnr_db[nearest] - first.psnr_db)[near])
        for name, chunks in (("encode", self.encode), ("decode", self.decode)) if timed_together else ():
            chunks.append((other.seconds[name][nearest] / first.seconds[name])[near])
        if first.curve and other.curve:
            self.at_equal_psnr.append(rate_at(other.curve, first.curve.quality) / first.curve.rate)


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
        pairs = _Pairs()
        for picture in first.images.keys() & other.images.keys():
            pairs.add(first.images[picture], other.images[picture], timed_together=first.key[0] == other.key[0])
        rows.append(first.columns | _columns_of_other(other) | _summary(pairs))
    told = [row for row in rows if row["n_equal"] or row["n_timed"] or np.isfinite(row["psnr_difference_db"])]
    return pd.DataFrame(told, columns=MATCHED_PAIRS)


def _columns_of_other(other: CodedDataset) -> dict[str, str]:
    return {f"other_{name}": text for name, text in other.columns.items()}


def _summary(pairs: _Pairs) -> dict[str, float]:
    sizes, psnr_db, encode, decode, equal = (
        _known(chunks) for chunks in (pairs.sizes, pairs.psnr_db, pairs.encode, pairs.decode, pairs.at_equal_psnr)
    )
    return {
        "n_points": pairs.n_points,
        "n_matched": len(sizes),
        "size_difference": float(np.abs(sizes - 1).mean()) if len(sizes) else float("nan"),
        "psnr_difference_db": float(psnr_db.mean()) if len(psnr_db) else float("nan"),
        "n_timed": len(decode),
        "encode_ratio": geometric_mean(encode),
        "decode_ratio": geometric_mean(decode),
        "n_equal": len(equal),
        "size_ratio": geometric_mean(equal),
    }


def _known(chunks: Chunks) -> Floats:
    values: Floats = np.concatenate([np.empty(0), *chunks])
    known: Floats = values[np.isfinite(values)]
    return known
