"""FAT: frequency-aware transformer for learned image compression (Li et al., ICLR 2024, arXiv:2310.16387).

x --> g_a --> y --------------------> q = round(y) --> q + 0.5 tanh(lrp) = y_hat --> g_s --> x_hat
              |                          ^ |                  |
             h_a             scale, mean | v entropy coder    |
              |                          |    1 string        |
              v                          T-CA ----------------+
              z --> round --> z_hat ------^    five slices of channels, each from those before
                      | rANS
                      v
                   1 string
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from adapters.fat.channel_context import ChannelContext, Steps
from adapters.fat.config import SLICES, SMALL, FatConfig
from adapters.fat.entropy_coding import SliceCoder, decoder_of, encoder_of
from adapters.fat.gaussian import IntegerGaussian
from adapters.fat.transforms import analysis, hyper_analysis, hyper_synthesis, synthesis
from lic_bench.codecs.entropy_models import coder_of
from lic_bench.codecs.gaussian_coding import Strings, quantise
from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.codecs.weights import load_strictly, parameters_of


def build(state: Mapping[str, Any] | None = None) -> nn.Module:
    """FAT in eval mode. state: the authors' checkpoint or our own state dict, wrapped or not; None: fresh weights.

    Raises ValueError for a state that is not exactly this network's.
    """
    model = Fat()
    if state is not None:
        load_strictly(model, parameters_of(state), likely_cause)
    return model.eval()


def small() -> nn.Module:
    """The same network with few channels and fresh weights, in eval mode."""
    return Fat(SMALL).eval()


def likely_cause(parameters: Mapping[str, Tensor]) -> str:
    """What a state that does not fit may be."""
    first = parameters.get("g_a.0.conv1.weight")
    if "tca.hyper_trans.weight" not in parameters:
        return "weights of another codec"
    if first is not None and first.shape[0] != FatConfig().widths[0]:
        return f"a FAT whose first width is {first.shape[0]}; this one has {FatConfig().widths[0]}"
    return "part of the file is lost, or it was saved by other code for the same network"


class Fat(HyperpriorCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 128.

    entropy_coder: of y, see adapters.fat.entropy_coding; encoder and decoder must have the same.
    """

    name = "FAT"
    multiple = 128

    def __init__(self, config: FatConfig | None = None) -> None:
        config = config or FatConfig()
        super().__init__(config.hyper_latent)
        self.g_a = analysis(config)
        self.g_s = synthesis(config)
        self.h_a = hyper_analysis(config)
        self.h_mean_s = hyper_synthesis(config)
        self.h_scale_s = hyper_synthesis(config)
        self.tca = ChannelContext(config)
        self.gaussian_conditional = IntegerGaussian()
        self.entropy_coder = "rans"

    def forward(self, x: Tensor) -> dict[str, Any]:
        """x_hat (not clamped) and likelihoods: y [B, M, H / 16, W / 16], z [B, N, H / 64, W / 64]."""
        self.check_image(x)
        y = self.g_a(x)
        z = self.h_a(y)
        _, z_likelihoods = self.entropy_bottleneck(z)
        q = quantise(y, torch.zeros_like(y))
        scales, means, lrp = self.tca(*self.hyper(self.rounded(z)), q)
        noisy = y + torch.empty_like(y).uniform_(-0.5, 0.5) if self.training else q
        y_likelihoods = self.gaussian_conditional(noisy, scales, means)
        return {"x_hat": self.g_s(refined(q, lrp)), "likelihoods": {"y": y_likelihoods, "z": z_likelihoods}}

    @torch.no_grad()
    def compress(self, x: Tensor) -> dict[str, Any]:
        """Code x: "strings" of y and z, each a list over the batch; "shape": rows and columns of z, side information.

        Raises ValueError before `update`.
        """
        self.check_image(x)
        self.check_tables()
        y = self.g_a(x)
        z = self.h_a(y)
        coder = coder_of(self.entropy_bottleneck)
        encoder = encoder_of(self.entropy_coder, self.split(torch.round(y)), coder)
        self.predict(self.hyper(self.rounded(z)), encoder)
        strings = [encoder.strings(), self.entropy_bottleneck.compress(z)]
        return {"strings": strings, "shape": [*z.shape[-2:], *encoder.side_information]}

    @torch.no_grad()
    def decompress(self, strings: Sequence[Strings], shape: Sequence[int]) -> dict[str, Tensor]:
        """Decode what `compress` returned: x_hat [B, 3, H, W], clamped to [0, 1]."""
        self.check_strings(strings)
        self.check_tables()
        coder = coder_of(self.entropy_bottleneck)
        decoder = decoder_of(self.entropy_coder, strings[0], shape[2:], coder)
        z_hat = self.entropy_bottleneck.decompress(strings[1], tuple(shape[:2]))
        y_hat = self.predict(self.hyper(z_hat.clone(memory_format=torch.contiguous_format)), decoder)
        return {"x_hat": self.g_s(y_hat).clamp_(0, 1)}

    def predict(self, hyper: tuple[Tensor, ...], code: SliceCoder) -> Tensor:
        """y_hat [B, M, h, w], slice by slice; `code` returns the quantised slice for its Gaussians."""
        steps = Steps(self.tca, *hyper)
        passes = []
        for index in range(SLICES):
            scales, means, lrp = steps(index)
            q = code(scales, means)
            steps.take(q)
            passes.append(refined(q, lrp))
        return self.join(passes)

    def split(self, y: Tensor) -> Sequence[Tensor]:
        """y [B, M, h, w] cut into its slices, [B, M / 5, h, w] each."""
        return y.chunk(SLICES, 1)

    def join(self, passes: Sequence[Tensor]) -> Tensor:
        """Undo `split`."""
        return torch.cat(list(passes), 1)

    def hyper(self, z_hat: Tensor) -> tuple[Tensor, ...]:
        """Both hyper syntheses of z_hat [B, N, h / 4, w / 4] side by side, [B, 2 * M, h, w]."""
        return (torch.cat([self.h_mean_s(z_hat), self.h_scale_s(z_hat)], 1),)

    def update(self, force: bool = False) -> bool:
        """Make the tables of the entropy coder of z; True if they were made. Needed before (de)compress."""
        made: bool = self.entropy_bottleneck.update(force=force)
        return made

    def check_tables(self) -> None:
        """Raise ValueError before `update`."""
        if self.entropy_bottleneck.quantized_cdf.numel() == 0:
            raise ValueError("The entropy coder has no tables yet: call update() first.")


def refined(q: Tensor, lrp: Tensor) -> Tensor:
    """y_hat: a correction of at most a half against the rounding of y."""
    return q + 0.5 * torch.tanh(lrp)
