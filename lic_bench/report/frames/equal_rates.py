"""Measured codecs at given rates and at given PSNR, interpolated on the curve of each picture."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import isfinite
from typing import Any, Literal

import numpy as np
import pandas as pd

from lic_bench.rate_distortion.bd_rate import Floats
from lic_bench.rate_distortion.equal_rates import Curves
from lic_bench.report.frames.coded_images import CodedDataset
from lic_bench.report.frames.common_images import CommonImages, Key
from lic_bench.report.frames.image_sets import Picture

EQUAL_RATES = ["run", "codec", "label", "device", "dataset", "target", "value", "n_images", "n_reached", "n_pictures"]


@dataclass(frozen=True, slots=True)
class Target:
    """A rate in bpp, or a PSNR in dB, at which codecs are compared. unit: which of the two."""

    at: float
    unit: Literal["bpp", "dB"]

    @property
    def key(self) -> str:
        """In the names of columns: "0.075_bpp"."""
        return f"{self.at:g}_{self.unit.lower()}"

    def values(self, curves: Curves) -> Floats:
        """The PSNR of the curves [k] at this rate, or their rates at this PSNR; NaN beyond their ends."""
        if self.unit == "bpp":
            return curves.qualities_at(self.at)
        return curves.rates_at(np.full((len(curves.rate), 1), float(self.at)))[:, 0]


TARGETS = (*(Target(bpp, "bpp") for bpp in (0.075, 0.15, 0.30)), *(Target(psnr_db, "dB") for psnr_db in (30, 33, 36)))


def equal_rates_frame(common_of: Mapping[Key, CommonImages], datasets: Sequence[CodedDataset]) -> pd.DataFrame:
    """One row per codec, device, data set and target of TARGETS, columns EQUAL_RATES.

    common_of: common_images of the runs in which `datasets` are coded.

    target: its key.

    value: mean PSNR in dB at a rate, mean bpp at a PSNR, over n_images: those that all codecs of the same common images
    reach there, but for codecs that reach less than half of them, which have no value. n_reached: by this codec, of
    n_pictures.
    """
    common = {(run, dataset): images for (run, _, _, dataset), images in common_of.items()}
    groups = defaultdict[Any, list[CodedDataset]](list)
    for coded in datasets:
        images = common.get((coded.key[0], coded.key[3]))  # of the run: no quality need have all images
        if images and coded.curves.exist.any():
            groups[coded.key[3], images.pictures].append(coded)
    rows = [row for (_, of), several in groups.items() if of for target in TARGETS for row in _at(target, several, of)]
    return pd.DataFrame(rows, columns=EQUAL_RATES)


def _at(target: Target, several: Sequence[CodedDataset], pictures: frozenset[Picture]) -> Iterator[dict[str, Any]]:
    values = [_values(target, coded, pictures) for coded in several]
    kept = [frozenset(of_codec) for of_codec in values if of_codec and 2 * len(of_codec) >= len(pictures)]
    in_common = reduce(frozenset.__and__, kept) if kept else frozenset()
    shared = sorted(in_common)
    for coded, of_codec in zip(several, values, strict=True):
        has_value = shared and in_common <= of_codec.keys() and 2 * len(of_codec) >= len(pictures)
        yield coded.columns | {
            "target": target.key,
            "value": float(np.mean([of_codec[picture] for picture in shared])) if has_value else float("nan"),
            "n_images": len(shared) if has_value else 0,
            "n_reached": len(of_codec),
            "n_pictures": len(pictures),
        }


def _values(target: Target, coded: CodedDataset, pictures: frozenset[Picture]) -> dict[Picture, float]:
    """Of the pictures whose curves reach the target."""
    values = zip(coded.places, target.values(coded.curves).tolist(), strict=True)
    return {picture: value for picture, value in values if isfinite(value) and picture in pictures}
