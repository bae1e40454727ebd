"""From a Cool-chic 3.1 stream to its picture: entropy decoding, upsampling, synthesis; the last two in float32."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from adapters.cool_chic.entropy_decoding import latents, network_symbols
from adapters.cool_chic.stream_header import Layer, Stream
from lic_bench.phase_marks import mark

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu,
    "leaky-relu": F.leaky_relu,
    "gelu": F.gelu,
}
STEP_EXPONENTS = {"arm": -7, "upsampling": -16, "synthesis": -16}  # the step of index 0 is 2 to the power of it


def decode(stream: Stream) -> Tensor:
    """The picture, [1, 3, H, W] float32, R, G, B about 0 to 1, neither rounded nor clamped. UserError if damaged."""
    with mark("context and entropy coder"):
        networks = network_values(stream)
        grids = decode_latents(stream, networks)
    with mark("upsampling"):
        features = upsample(grids, networks["upsampling_weight"].view(stream.kernel, stream.kernel), stream.maps)
    with mark("synthesis"):
        return synthesise(features, stream.layers, networks["synthesis_weight"], networks["synthesis_bias"])[:, :3]


def network_values(stream: Stream) -> dict[str, Tensor]:
    """Part -> its parameters, float32 [n]. Raises UserError for damaged bytes."""
    return {name: symbols * _step(stream, name) for name, symbols in network_symbols(stream).items()}


def decode_latents(stream: Stream, networks: dict[str, Tensor]) -> list[Tensor]:
    """The grids, int32 [height, width], the largest first. networks: part -> its parameters, float32."""
    weights, biases = networks["arm_weight"] * 64, networks["arm_bias"] * 4096
    return latents(stream, weights.round().int(), biases.round().int())


def upsample(grids: list[Tensor], kernel: Tensor, maps: tuple[int, ...]) -> Tensor:
    """One map per grid at the size of the largest, [1, grids, H, W] float32.

    grids: [height, width], the largest first; maps: how many there are of each resolution. kernel: [k, k], of all.
    """
    *larger, features = (torch.stack(level).float()[:, None] for level in _by_resolution(grids, maps))
    side = kernel.shape[0]
    for level in reversed(larger):
        height, width = level.shape[2:]
        padded = F.pad(features, (side // 2,) * 4, mode="replicate")
        crop = (3 * side - 2) // 2
        doubled = F.conv_transpose2d(padded, kernel[None, None], stride=2)[:, :, crop:-crop, crop:-crop]
        features = torch.cat([level, doubled[:, :, :height, :width]])
    return features.transpose(0, 1)


def synthesise(x: Tensor, layers: tuple[Layer, ...], weights: Tensor, biases: Tensor) -> Tensor:
    """x [1, inputs of the first layer, H, W] -> [1, outputs of the last, H, W]. weights, biases: of all, in order."""
    sizes = [layer.outputs * layer.inputs * layer.kernel**2 for layer in layers]
    of_layers = zip(layers, weights.split(sizes), biases.split([layer.outputs for layer in layers]), strict=True)
    for layer, weight, bias in of_layers:
        margin = (layer.kernel - 1) // 2
        padded = F.pad(x, (margin,) * 4, mode="replicate") if margin else x
        y = F.conv2d(padded, weight.view(layer.outputs, layer.inputs, layer.kernel, layer.kernel), bias)
        x = ACTIVATIONS[layer.activation](y + x if layer.residual else y)
    return x


def _by_resolution(grids: list[Tensor], maps: tuple[int, ...]) -> list[list[Tensor]]:
    rest = iter(grids)
    return [list(islice(rest, count)) for count in maps]


def _step(stream: Stream, name: str) -> float:
    """The quantisation step of a network's part."""
    return float(2.0 ** (STEP_EXPONENTS[name.partition("_")[0]] + stream.parts[name].step))
