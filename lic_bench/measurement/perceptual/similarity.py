"""MS-SSIM of luma by the bench's function, and FSIM by piq, in double precision: flat areas are noise in single."""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lic_bench.measurement.distortion import ms_ssim
from lic_bench.measurement.perceptual.colour import Pixels, luma
from lic_bench.measurement.perceptual.packages import need_package


def implementation(name: str, _weights: Mapping[str, Path]) -> str:
    """Package and version. Raises UserError if it is not installed."""
    if name == "ms-ssim-y":
        return f"lic-bench (pytorch-msssim {version('pytorch-msssim')})"
    return need_package("piq", "piq")


@torch.no_grad()
def measure(original: Pixels, decoded: Pixels, names: Sequence[str], _weights: object) -> dict[str, float | None]:
    """1 for identical pictures."""
    return {name: MEASURES[name](original, decoded) for name in names}


def _ms_ssim(original: Pixels, decoded: Pixels) -> float | None:
    x, y = (torch.from_numpy(luma(pixels)).float()[None, None] for pixels in (original, decoded))
    return ms_ssim(x, y)


def _fsim(original: Pixels, decoded: Pixels) -> float:
    from piq import fsim

    return float(fsim(_rgb(decoded), _rgb(original), data_range=255))


def _rgb(pixels: Pixels) -> Tensor:
    """[1, 3, H, W] in 0..255."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).double()[None]


MEASURES: dict[str, Callable[[Pixels, Pixels], float | None]] = {"ms-ssim-y": _ms_ssim, "fsim": _fsim}
