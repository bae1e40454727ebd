"""What quantisation takes from the latent, where, and which slices of channels the bits are in.

Figure 8 of the LALIC paper: the scaled deviation |y_hat - y| / sum y, and the bits of each slice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lic_bench.analysis.latents import Latents


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Of one image. map: [h, w]; total: its sum. slice_bpp: of y's slices in coding order; z_bpp: of z."""

    map: NDArray[np.float64]
    total: float
    slice_bpp: tuple[float, ...]
    z_bpp: float


def deviation_of(latents: Latents, pixels: int) -> Deviation:
    """The deviation of an image of so many pixels, before it was padded.

    The map is the sum over channels of |y_hat - y|, divided by the sum of |y| over all channels and positions: without
    the absolute value, which the paper's formula does not show, the sum can be near zero.
    """
    differences = (latents.y_hat - latents.y).abs().sum(0) / latents.y.abs().sum()
    return Deviation(
        map=differences.numpy(),
        total=float(differences.sum()),
        slice_bpp=tuple(bits / pixels for bits in latents.slice_bits),
        z_bpp=latents.z_bits / pixels,
    )
