"""LALIC: linear attention modelling for learned image compression (Feng et al., CVPR 2025, arXiv:2502.05741).

x --> g_a --> y -----------------> round(y - mean) + mean ----> y_hat --> g_s --> x_hat
              |                      ^         | rANS
             h_a            scale, mean        v
              |                      |      10 strings (5 groups x anchors, others)
              v                  context <---- y_hat of earlier passes
              z --> round --> z_hat --> h_s --^
                      | rANS
                      v
                   1 string
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from compressai.entropy_models import EntropyBottleneck, GaussianConditional
from torch import Tensor, nn

from lalic.blocks import BiRwkvBlock, OmniShift
from lalic.checkpoint import infer_config, load_weights, own_state
from lalic.coding import Decoder, Encoder, Estimator, GaussianTables, Latents, Strings, quantise, scale_table
from lalic.config import LalicConfig
from lalic.context import SpaceChannelContext

STRIDE = 64  # pixels per value of z


def build(state: Mapping[str, Any] | None = None) -> nn.Module:
    """LALIC in eval mode. state: the authors' checkpoint or our own state dict, wrapped or not; None: fresh weights.

    Sizes are read from the state, and so is the precision (at least float32). Raises ValueError where it is not the
    state of a LALIC network.
    """
    if state is None:
        return Lalic().eval()
    own = own_state(state)
    model = Lalic(infer_config(own))
    model.to(torch.promote_types(own["g_a.0.weight"].dtype, torch.float32))
    load_weights(model, own)
    return model.eval()


class Lalic(nn.Module):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 64."""

    def __init__(self, config: LalicConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or LalicConfig()
        self.g_a = nn.Sequential(*_analysis(config))
        self.g_s = nn.Sequential(*_synthesis(config))
        self.h_a = nn.Sequential(*_hyper_analysis(config))
        self.h_s = nn.Sequential(*_hyper_synthesis(config))
        self.context = SpaceChannelContext(config)
        self.entropy_bottleneck = EntropyBottleneck(config.hyper_widths[-1])
        self.gaussian_conditional = GaussianConditional(scale_table())
        self._tables: tuple[Tensor, GaussianTables] | None = None

    def forward(self, x: Tensor) -> dict[str, Any]:
        """x_hat (not clamped) and likelihoods: y [B, M, H / 16, W / 16], z [B, N, H / 64, W / 64]."""
        _check_image(x)
        y = self.g_a(x)
        z = self.h_a(y)
        _, z_likelihoods = self.entropy_bottleneck(z)
        coder = Estimator(Latents(y, self.config.groups), self.gaussian_conditional)
        y_hat = self.context(self._hyper(quantise(z, self._medians())), coder)
        return {"x_hat": self.g_s(y_hat), "likelihoods": {"y": coder.likelihoods(), "z": z_likelihoods}}

    @torch.no_grad()
    def compress(self, x: Tensor) -> dict[str, Any]:
        """Code x: "strings", per group anchors and others, then z, each a list over the batch; "shape" of z."""
        _check_image(x)
        y = self.g_a(x)
        z = self.h_a(y)
        coder = Encoder(Latents(y, self.config.groups), self._gaussian_tables())
        self.context(self._hyper(quantise(z, self._medians())), coder)
        return {"strings": [*coder.strings, self.entropy_bottleneck.compress(z)], "shape": z.shape[-2:]}

    @torch.no_grad()
    def decompress(self, strings: Sequence[Strings], shape: Sequence[int]) -> dict[str, Tensor]:
        """Decode what `compress` returned: x_hat [B, 3, H, W], clamped to [0, 1]."""
        wanted = 2 * len(self.config.groups) + 1
        if len(strings) != wanted:
            raise ValueError(f"{len(strings)} strings; LALIC writes {wanted} (two per group of y, then z).")
        tables = self._gaussian_tables()
        z_hat = self.entropy_bottleneck.decompress(strings[-1], tuple(shape))
        y_hat = self.context(self._hyper(z_hat), Decoder(strings[:-1], tables))
        return {"x_hat": self.g_s(y_hat).clamp_(0, 1)}

    def update(self, force: bool = False) -> bool:
        """Make the entropy coder's tables from the weights; True if they were made. Needed before (de)compress."""
        made = self.entropy_bottleneck.update(force=force)
        return self.gaussian_conditional.update_scale_table(scale_table(), force=force) or made

    def parameters_inference(self) -> int:
        """Values that inference needs: one merged kernel per Omni-Shift instead of its branches."""
        shifts = [module for module in self.modules() if isinstance(module, OmniShift)]
        branches = sum(p.numel() for shift in shifts for p in shift.parameters())
        merged = sum(shift.kernel5.numel() for shift in shifts)
        return sum(p.numel() for p in self.parameters()) - branches + merged

    def _medians(self) -> Tensor:
        return self.entropy_bottleneck.quantiles[:, 0, 1].detach().view(1, -1, 1, 1)

    def _hyper(self, z_hat: Tensor) -> Tensor:
        # One memory layout for the encoder's z_hat and the decoder's: convolutions may round differently by layout.
        return self.h_s(z_hat.clone(memory_format=torch.contiguous_format))

    def _gaussian_tables(self) -> GaussianTables:
        source = self.gaussian_conditional.quantized_cdf
        if source.numel() == 0 or self.entropy_bottleneck.quantized_cdf.numel() == 0:
            raise ValueError("The entropy coder has no tables yet: call update() first.")
        if self._tables is None or self._tables[0] is not source:
            self._tables = (source, GaussianTables(self.gaussian_conditional))
        return self._tables[1]


def _check_image(x: Tensor) -> None:
    if x.ndim != 4 or x.shape[1] != 3 or x.shape[2] % STRIDE or x.shape[3] % STRIDE or x.numel() == 0:
        raise ValueError(f"Image of shape {list(x.shape)}; LALIC takes [B, 3, H, W], H and W multiples of {STRIDE}.")


def _down(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2)


def _up(inputs: int, outputs: int, kernel: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=kernel // 2, output_padding=1)


def _blocks(width: int, depth: int, config: LalicConfig) -> Iterator[nn.Module]:
    return (BiRwkvBlock(width, config.hidden_ratio, config.attention, config.shift) for _ in range(depth))


def _analysis(config: LalicConfig) -> Iterator[nn.Module]:
    inputs = 3
    for width, depth in zip(config.widths, (*config.depths, 0), strict=True):
        yield _down(inputs, width, 5 if inputs == 3 else 3)
        yield from _blocks(width, depth, config)
        inputs = width


def _synthesis(config: LalicConfig) -> Iterator[nn.Module]:
    inputs = config.widths[-1]
    for width, depth in zip(config.widths[-2::-1], config.depths[::-1], strict=True):
        yield _up(inputs, width, 3)
        yield from _blocks(width, depth, config)
        inputs = width
    yield _up(inputs, 3, 5)


def _hyper_analysis(config: LalicConfig) -> Iterator[nn.Module]:
    inner, outer = config.hyper_widths
    yield _down(config.widths[-1], inner, 5)
    yield from _blocks(inner, config.hyper_depth, config)
    yield _down(inner, outer, 5)


def _hyper_synthesis(config: LalicConfig) -> Iterator[nn.Module]:
    inner, outer = config.hyper_widths
    yield _up(outer, inner, 5)
    yield from _blocks(inner, config.hyper_depth, config)
    yield _up(inner, config.widths[-1], 5)
