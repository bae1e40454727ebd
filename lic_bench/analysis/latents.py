"""One image through a learned codec: its latent, what was predicted of it, and the bits of each slice of channels."""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lic_bench.analysis.networks import Network
from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Latents:
    """Of one image, in float64 on the CPU.

    y, y_hat, means, scales: [M, h, w]; y_hat is what g_s gets, scales are at least the bound of the entropy model.
    slice_bits: estimated bits of the slices of channels of y, in coding order. z_bits: those of z and all else.
    """

    y: Tensor
    y_hat: Tensor
    means: Tensor
    scales: Tensor
    slice_bits: tuple[float, ...]
    z_bits: float


class _Call(NamedTuple):
    """One call of a Gaussian entropy model, [1, C, h, w'] each."""

    scales: Tensor
    means: Tensor
    likelihoods: Tensor


@torch.no_grad()
def take_latents(network: Network, x: Tensor) -> Latents:
    """The latents of x, [1, 3, H, W] as the codec pads it, by the network's forward pass in eval mode.

    Raises UserError for a network without g_a and g_s, or whose latent is not coded by Gaussians.
    """
    module = network.codec.module
    with _listening(network) as (kept, calls):
        out = module(x.clone())
    y = kept["y"]
    parts = [_whole(module, part) for part in zip(*calls, strict=True)]
    if not parts or any(part.shape != y.shape for part in parts):
        raise UserError(f"Codec {network.spec.name!r}: its y is not coded by Gaussians of a mean and a scale each.")
    scales, means, likelihoods = parts
    bits = -likelihoods.double().log2().sum((0, 2, 3))
    slice_bits = tuple(bits[first:end].sum().item() for first, end in channel_slices(module, y, calls))
    others = (value for name, value in out["likelihoods"].items() if name != "y")
    return Latents(
        **{name: part[0].double().cpu() for name, part in (("y", y), ("y_hat", kept["y_hat"]), ("means", means))},
        scales=scales[0].double().cpu(),
        slice_bits=slice_bits,
        z_bits=sum(-value.double().log().sum().item() / math.log(2) for value in others),
    )


def channel_slices(module: nn.Module, y: Tensor, calls: Sequence[_Call]) -> list[tuple[int, int]]:
    """First channel and end of each slice of y [1, M, h, w], in coding order; the passes of a slice are one."""
    if isinstance(module, HyperpriorCodec):
        channels = torch.arange(y.shape[1]).view(1, -1, 1, 1).expand(1, -1, *y.shape[2:])
        return list(dict.fromkeys((int(part.min()), int(part.max()) + 1) for part in module.split(channels)))
    ends = torch.tensor([call.scales.shape[1] for call in calls]).cumsum(0).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


@contextmanager
def _listening(network: Network) -> Iterator[tuple[dict[str, Tensor], list[_Call]]]:
    """Inside, y (of g_a) and y_hat (for g_s) are kept, and every call of a Gaussian entropy model."""
    kept: dict[str, Tensor] = {}
    calls: list[_Call] = []

    def keep_call(model: Any, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        values = dict(zip(("y", "scales", "means"), inputs, strict=False)) | named
        scales, means = values["scales"], values.get("means")
        bounded = model.lower_bound_scale(scales)
        likelihoods = output[1] if isinstance(output, tuple) else output
        calls.append(_Call(bounded, torch.zeros_like(scales) if means is None else means, likelihoods))

    g_a, g_s = network.part("g_a"), network.part("g_s")
    if g_a is None or g_s is None:
        raise UserError(f"Codec {network.spec.name!r} names no g_a and g_s; its SPEC's phases can name them.")
    with ExitStack() as hooks:
        hooks.enter_context(g_a.register_forward_hook(lambda _m, _i, y: kept.update(y=y.clone())))
        hooks.enter_context(g_s.register_forward_pre_hook(lambda _m, inputs: kept.update(y_hat=inputs[0].clone())))
        for name, model in network.codec.module.named_modules():
            if name.rpartition(".")[2] == "gaussian_conditional":
                hooks.enter_context(model.register_forward_hook(keep_call, with_kwargs=True))
        yield kept, calls


def _whole(module: nn.Module, passes: Sequence[Tensor]) -> Tensor:
    """The coding passes of y put together, [1, M, h, w]."""
    if len(passes) > 1 and isinstance(module, HyperpriorCodec):
        return module.join(passes)
    return torch.cat(list(passes), 1)
