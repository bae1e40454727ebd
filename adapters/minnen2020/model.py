"""Minnen2020: convolutions with GDN and the channel-wise autoregressive entropy model (arXiv:2007.08739, figure 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from compressai.layers import GDN, conv3x3
from compressai.models.utils import conv, deconv
from torch import Tensor, nn

from adapters.shared.channelwise import ChannelwiseCodec, SliceConfig
from lic_bench.codecs.weights import load_strictly, parameters_of

SLICES = SliceConfig(latent=320, slices=10, attention=None, kernels=(5, 5, 3), activation=nn.ReLU, most=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Channels of the transforms (N), of z, and between the hyper transforms' second and third convolution."""

    transforms: int = 192
    hyper: int = 192
    middle: int = 256


class Minnen2020(ChannelwiseCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 64."""

    name = "Minnen2020"

    def __init__(self, widths: Widths | None = None, slicing: SliceConfig = SLICES) -> None:
        widths = widths or Widths()
        super().__init__(widths.hyper, slicing)
        n, latent = widths.transforms, slicing.latent
        self.g_a = nn.Sequential(conv(3, n), GDN(n), conv(n, n), GDN(n), conv(n, n), GDN(n), conv(n, latent))
        self.g_s = nn.Sequential(
            *(deconv(latent, n), GDN(n, inverse=True), deconv(n, n), GDN(n, inverse=True)),
            *(deconv(n, n), GDN(n, inverse=True), deconv(n, 3)),
        )
        self.h_a = nn.Sequential(
            *(conv3x3(latent, latent), nn.ReLU(inplace=True), conv(latent, widths.middle), nn.ReLU(inplace=True)),
            conv(widths.middle, widths.hyper),
        )
        self.h_mean_s = _hyper_synthesis(widths, latent)
        self.h_scale_s = _hyper_synthesis(widths, latent)


def _hyper_synthesis(widths: Widths, latent: int) -> nn.Sequential:
    return nn.Sequential(
        *(deconv(widths.hyper, widths.hyper), nn.ReLU(inplace=True)),
        *(deconv(widths.hyper, widths.middle), nn.ReLU(inplace=True)),
        conv3x3(widths.middle, latent),
    )


def build(state: Mapping[str, Tensor] | None) -> nn.Module:
    """The network in eval mode. state: a checkpoint with this module's names; None: fresh weights, the paper's sizes.

    Widths, kernels, the number of slices and how many of them are looked at are read from the state.
    Raises ValueError for a state that is not exactly such a network's.
    """
    if state is None:
        return Minnen2020().eval()
    parameters = parameters_of(state)
    try:
        model = Minnen2020(*sizes_of(parameters))
    except (KeyError, IndexError, ValueError, ZeroDivisionError):
        raise ValueError(f"keys do not fit. Likely cause: {likely_cause(parameters)}.") from None
    load_strictly(model, parameters, likely_cause)
    return model.eval()


def small() -> nn.Module:
    """The same network with few channels and fresh weights, for tests."""
    return Minnen2020(Widths(transforms=12, hyper=16, middle=14), replace(SLICES, latent=40, inner=(16, 12))).eval()


def sizes_of(parameters: Mapping[str, Tensor]) -> tuple[Widths, SliceConfig]:
    """The sizes that the shapes of a state tell."""
    slices = len({name.split(".")[1] for name in parameters if name.startswith("cc_mean_transforms.")})
    layers = [parameters[f"cc_mean_transforms.0.{i}.weight"] for i in (0, 2, 4)]
    latent = parameters["g_a.6.weight"].shape[0]
    seen = parameters[f"cc_mean_transforms.{slices - 1}.0.weight"].shape[1] - latent
    widths = Widths(
        transforms=parameters["g_a.0.weight"].shape[0],
        hyper=parameters["h_a.4.weight"].shape[0],
        middle=parameters["h_a.2.weight"].shape[0],
    )
    slicing = replace(
        SLICES,
        latent=latent,
        slices=slices,
        inner=(layers[0].shape[0], layers[1].shape[0]),
        kernels=(layers[0].shape[2], layers[1].shape[2], layers[2].shape[2]),
        most=seen // (latent // slices),
    )
    return widths, slicing


def likely_cause(parameters: Mapping[str, Tensor]) -> str:
    """What a state that does not fit may be."""
    if "g_a.0.weight" not in parameters or "g_a.1.beta" not in parameters:
        return "weights of another codec"
    if "cc_mean_transforms.0.0.weight" not in parameters:
        return "another entropy model on the same transforms, such as CompressAI's mbt2018"
    return "part of the file is lost, or it was saved by other code for the same network"
