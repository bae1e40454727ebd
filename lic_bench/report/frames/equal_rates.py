"""Measured codecs at given rates and at given PSNR, interpolated on the curve of each picture."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
import pandas as pd

from lic_bench.rate_distortion.bd_rate import RDCurve
from lic_bench.rate_distortion.equal_rates import quality_at, rate_at
from lic_bench.report.frames.coded_images import CodedDataset
from lic_bench.report.frames.common_images import common_images
from lic_bench.report.frames.image_sets import Picture
from lic_bench.store.run_folder import Run

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

    def value(self, curve: RDCurve) -> float:
        """The curve's PSNR at this rate, or its rate at this PSNR; NaN beyond its ends."""
        return quality_at(curve, self.at) if self.unit == "bpp" else float(rate_at(curve, self.at))


TARGETS = (*(Target(bpp, "bpp") for bpp in (0.075, 0.15, 0.30)), *(Target(psnr_db, "dB") for psnr_db in (30, 33, 36)))


def equal_rates_frame(runs: Sequence[Run], datasets: Sequence[CodedDataset]) -> pd.DataFrame:
    """One row per codec, device, data set and target of TARGETS, columns EQUAL_RATES. datasets: coded in the runs.

    target: its key.

    value: mean PSNR in dB at a rate, mean bpp at a PSNR, over n_images: those that all codecs of the same common images
    reach there, but for codecs that reach less than half of them, which have no value. n_reached: by this codec, of
    n_pictures.
    """
    common = {(run, dataset): images for (run, _, _, dataset), images in common_images(runs).items()}
    groups = defaultdict[Any, list[CodedDataset]](list)
    for coded in datasets:
        images = common.get((coded.key[0], coded.key[3]))  # of the run: no quality need have all images
        if images and any(image.curve for image in coded.images.values()):
            groups[coded.key[3], images.pictures].append(coded)
    rows = [row for (_, of), several in groups.items() if of for target in TARGETS for row in _at(target, several, of)]
    return pd.DataFrame(rows, columns=EQUAL_RATES)


def _at(target: Target, several: Sequence[CodedDataset], pictures: frozenset[Picture]) -> Iterator[dict[str, Any]]:
    values = [_values(target, coded, pictures) for coded in several]
    kept = [frozenset(of_codec) for of_codec in values if of_codec and 2 * len(of_codec) >= len(pictures)]
    shared = reduce(frozenset.__and__, kept) if kept else frozenset()
    for coded, of_codec in zip(several, values, strict=True):
        has_value = shared and shared <= of_codec.keys() and 2 * len(of_codec) >= len(pictures)
        yield coded.columns | {
            "target": target.key,
            "value": float(np.mean([of_codec[picture] for picture in sorted(shared)])) if has_value else float("nan"),
            "n_images": len(shared) if has_value else 0,
            "n_reached": len(of_codec),
            "n_pictures": len(pictures),
        }


def _values(target: Target, coded: CodedDataset, pictures: frozenset[Picture]) -> dict[Picture, float]:
    """Of the pictures whose curves reach the target."""
    curves = {picture: image.curve for picture, image in coded.images.items() if picture in pictures}
    values = {picture: target.value(curve) for picture, curve in curves.items() if curve}
    return {picture: value for picture, value in values.items() if np.isfinite(value)}
