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
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lalic.ablations import ABLATIONS
from lalic.blocks import BiRwkvBlock, OmniShift, lower_mixes
from lalic.checkpoint import infer_config, lalic_parameters
from lalic.config import SMALL, LalicConfig
from lalic.context import SpaceChannelContext
from lic_bench.codecs.gaussian_coding import Coder, merge_checkerboard, split_checkerboard
from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.codecs.weights import load_strictly


def build(state: Mapping[str, Any] | None = None, ablation: str | None = None) -> nn.Module:
    """LALIC in eval mode. state: the authors' checkpoint or our own state dict, wrapped or not; None: fresh weights.

    Sizes are read from the state, and so is the precision (at least float32). ablation: of fresh weights, a row of
    `lalic.ablations`. Raises ValueError where it is not the state of a LALIC network.
    """
    return _built(ABLATIONS[ablation].config if ablation else LalicConfig(), state)


def build_small(state: Mapping[str, Any] | None = None, ablation: str | None = None) -> nn.Module:
    """lalic-small, as `build`. ablation: of fresh weights, one of Table 3's attentions."""
    mixing = (
        {} if ablation is None else {key: getattr(ABLATIONS[ablation].config, key) for key in ("attention", "shift")}
    )
    model = _built(replace(SMALL, **mixing), state)
    model.y_strings = 1  # one for each pass, as LALIC has it, would be half a percent of so few bytes
    return model


def _built(config: LalicConfig, state: Mapping[str, Any] | None) -> Lalic:
    """A network of `config` with fresh weights, or the one that a state is of."""
    if state is None:
        return Lalic(config).eval()
    parameters = lalic_parameters(state)
    model = Lalic(infer_config(parameters))
    load_strictly(model, parameters)
    return model.eval()


def small() -> nn.Module:
    """The same network with few channels and fresh weights, for tests."""
    config = LalicConfig(
        widths=(8, 12, 16, 24),
        depths=(1, 1, 1),
        hyper_widths=(16, 12),
        hyper_depth=1,
        groups=(4, 8, 12),
        context_ratio=2,
        aggregation_range=(20, 56),
    )
    return Lalic(config).eval()


class Lalic(HyperpriorCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 64."""

    name = "LALIC"

    def __init__(self, config: LalicConfig | None = None) -> None:
        config = config or LalicConfig()
        super().__init__(config.hyper_widths[-1])
        self.config = config
        self.y_strings = 2 * len(config.groups)
        self.g_a = nn.Sequential(*_analysis(config))
        self.g_s = nn.Sequential(*_synthesis(config))
        self.h_a = nn.Sequential(*_hyper_analysis(config))
        self.h_s = nn.Sequential(*_hyper_synthesis(config))
        self.context = SpaceChannelContext(config)

    def hyper(self, z_hat: Tensor) -> tuple[Tensor, ...]:
        """The hyper context [B, M, h, w]."""
        return (self.h_s(z_hat),)

    def predict(self, hyper: tuple[Tensor, ...], code: Coder) -> Tensor:
        """y_hat [B, M, h, w], in two passes per group: anchors, others."""
        return self.context(*hyper, code)

    def split(self, y: Tensor) -> list[Tensor]:
        """y [B, M, h, w] cut into its coding passes, [B, group width, h, w / 2]."""
        parts = (part.split(list(self.config.groups), 1) for part in split_checkerboard(y))
        return [part for group in zip(*parts, strict=True) for part in group]

    def join(self, passes: Sequence[Tensor]) -> Tensor:
        """Undo `split`."""
        pairs = zip(passes[::2], passes[1::2], strict=True)
        return torch.cat([merge_checkerboard(*pair) for pair in pairs], 1)

    def lower_precision(self, dtype: torch.dtype) -> None:
        """Convert the mixes of the blocks in g_a, h_a and g_s, in which nearly all products are.

        Sums, norms and the convolutions between stages stay: with all of it in bfloat16 lalic-small loses 0.1 dB, with
        the mixes alone under 0.01 dB.
        """
        for transform in (self.g_a, self.h_a, self.g_s):
            lower_mixes(transform, dtype)

    def parameters_inference(self) -> int:
        """Values that inference needs: one merged kernel per Omni-Shift instead of its branches."""
        shifts = [module for module in self.modules() if isinstance(module, OmniShift)]
        branches = sum(p.numel() for shift in shifts for p in shift.parameters())
        merged = sum(shift.kernel5.numel() for shift in shifts)
        return sum(p.numel() for p in self.parameters()) - branches + merged


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
