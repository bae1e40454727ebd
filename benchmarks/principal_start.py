"""Weights to begin a training of LALIC with: g_a and g_s are a principal component transform, their blocks identities.

    python benchmarks/principal_start.py --data FOLDER --out start.pth [--codec lalic-small] [--quality 4]
    lic-bench train lalic-small --data FOLDER --quality 4 --from start.pth

A training from random weights spends its first ten thousand steps on finding such a transform.
"""

from __future__ import annotations

import argparse
import sys
from math import log, sqrt
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lalic.blocks import BiRwkvBlock
from lic_bench.codecs.loading import new_network
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.training.crops import Crops
from lic_bench.training.pictures import find_pictures
from lic_bench.training.recipe import lambda_of

CROPS, SIDE = 400, 128  # of the pictures, on which the components are found


def quantiser_step(lmbda: float) -> float:
    """The step in orthonormal coefficients of pixels in [0, 1] that lambda * 255^2 * MSE + bpp asks for at a high rate.

    n coefficients per pixel then cost -n log2(step) bits and n step^2 / 12 / 3 of MSE; the sum is least here.
    """
    return sqrt(18 / (lmbda * 255**2 * log(2)))


@torch.no_grad()
def begin_with_components(g_a: nn.Sequential, g_s: nn.Sequential, x: Tensor, step: float) -> None:
    """Make g_a the principal components of x [B, 3, H, W], in units of `step`, and g_s the way back.

    Each strided convolution of g_a takes the first components of its input's 2x2 blocks, that of g_s at the same level
    has the transpose. Channels beyond the components keep their random weights in g_a and count for nothing in g_s.
    """
    for block in (*g_a, *g_s):
        if isinstance(block, BiRwkvBlock):
            block.spatial_mix.output.weight.zero_()
            block.channel_mix.mlp.value.weight.zero_()
    downs = [layer for layer in g_a if isinstance(layer, nn.Conv2d)]
    ups = [layer for layer in g_s if isinstance(layer, nn.ConvTranspose2d)]
    for down, up in zip(downs, reversed(ups), strict=True):
        components = _principal_components(x, down.out_channels)
        used, inputs, first = *components.shape[:2], down.kernel_size[0] // 2
        taps = (slice(used), slice(inputs), slice(first, first + 2), slice(first, first + 2))
        down.weight[:used].zero_()
        down.weight[taps] = components
        up.weight.zero_()
        up.weight[taps] = components
        nn.init.zeros_(down.bias)
        nn.init.zeros_(up.bias)
        mean, x = x.mean((0, 2, 3)), F.conv2d(x, components, stride=2)
    down.bias[:used] = -torch.einsum("ochw,c->o", components, mean)
    up.bias[:inputs] = mean
    for parameter in (down.weight, down.bias):
        parameter /= step
    up.weight *= step


def _principal_components(x: Tensor, most: int) -> Tensor:
    """The first components of the 2x2 blocks of x [B, C, H, W], orthonormal, [n, C, 2, 2]; n <= most, none is empty."""
    channels = x.shape[1]
    blocks = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).permute(0, 2, 4, 1, 3, 5).reshape(-1, 4 * channels)
    energies, components = torch.linalg.eigh(blocks.double().T.cov())
    full = int((energies > 1e-12 * energies[-1]).sum())
    return components.T.flip(0)[: min(most, full)].reshape(-1, channels, 2, 2).to(x.dtype)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures, those of the training")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--codec", default="lalic-small", help="lalic, lalic-small or an ablation of them")
    parser.add_argument("--quality", type=int, default=4, help="whose lambda the training will have")
    options = parser.parse_args()
    try:
        spec, pictures = resolve_codec(options.codec), find_pictures(options.data)
        crops = Crops(pictures.folder, pictures.of_side(SIDE), SIDE, 0)
        network = new_network(spec, options.quality, None, 0)
    except UserError as error:
        sys.exit(str(error))
    x = torch.stack([crops[n] for n in range(CROPS)]).float() / 255
    begin_with_components(network.g_a, network.g_s, x, quantiser_step(lambda_of(spec, options.quality, "mse")))
    torch.save(network.state_dict(), options.out)


if __name__ == "__main__":
    main()
