"""HPCM: y is coded on a quarter, a half and the full grid, 2 + 3 + 6 steps (Li et al., ICCV 2025).

On each grid, with a context c that starts as what h_s gives there, and raised from the grid before:

    c, y_hat so far -> adaptor -> prior -> t = scales, means of the step -> coder -> y_hat
    t, c            -> attention -> c of the next step
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from adapters.hpcm.context import Prior, WindowCrossAttention
from adapters.hpcm.generalised_gaussian import COUNT, HIGHEST, LOWEST, ChannelPrior, GeneralisedGaussian
from adapters.hpcm.grids import (
    HALF,
    QUARTER,
    Step,
    full_steps,
    half_steps,
    higher,
    lower,
    misplaced_half,
    outside_half,
    quarter_steps,
)
from adapters.hpcm.transforms import analysis, hyper_analysis, hyper_synthesis, synthesis
from lic_bench.codecs.gaussian_coding import Coder, quantise, scale_table
from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.codecs.weights import KeyTable, load_strictly, parameters_of, renames

FACTORS = "adaptive_params_list"
KEYS = KeyTable(
    renames=renames((r"^(means|scales)_hyper$", r"entropy_bottleneck.\1")),
    derived=re.compile(r"^(entropy_estimation\.beta|(quantized_cdf|cdf_length|offset)_[yz])$"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """widths, depths: of g_a's blocks from the picture down, of g_s's in reverse. latent, hyper: channels of y and z.

    coarse, fine: blocks before and after the factors in the priors of the first two grids and of the full one.
    heads: of the attentions, over twice the latent channels.
    """

    widths: tuple[int, ...] = (96, 192, 384)
    depths: tuple[int, ...] = (2, 2, 4)
    latent: int = 320
    hyper: int = 256
    coarse: tuple[int, int] = (2, 1)
    fine: tuple[int, int] = (3, 2)
    heads: int = 32


BASE = Config()
LARGE = Config(depths=(2, 2, 8), coarse=(2, 2), fine=(4, 3))


class Hpcm(HyperpriorCodec):
    """The codec with CompressAI's calling convention. Images: [B, 3, H, W] in [0, 1], H and W multiples of 256."""

    name = "HPCM"
    multiple = 256

    def __init__(self, config: Config) -> None:
        latent, wide = config.latent, 2 * config.latent
        super().__init__(ChannelPrior(config.hyper), GeneralisedGaussian())
        self.config = config
        self.g_a = analysis(config.widths, config.depths, latent)
        self.g_s = synthesis(config.widths, config.depths, latent)
        self.h_a = hyper_analysis(latent, config.hyper)
        self.h_s = hyper_synthesis(latent, config.hyper)
        for name, count in (("s1", 1), ("s2", 3), ("s3", 6)):
            adaptors = nn.ModuleList(nn.Conv2d(3 * latent, 3 * latent, 1) for _ in range(count))
            setattr(self, f"y_spatial_prior_adaptor_list_{name}", adaptors)
        self.y_spatial_prior_s1_s2 = Prior(latent, *config.coarse)
        self.y_spatial_prior_s3 = Prior(latent, *config.fine)
        self.adaptive_params_list = nn.ParameterList(torch.ones(1, 3 * latent, 1, 1) for _ in range(10))
        self.attn_s1, self.attn_s2, self.attn_s3 = (WindowCrossAttention(wide, config.heads) for _ in range(3))
        self.quarter_steps, self.half_steps, self.full_steps = quarter_steps(), half_steps(), full_steps()
        self.context_net = nn.ModuleList(nn.Conv2d(wide, wide, 1) for _ in range(2))

    def scales(self) -> list[float]:
        """Those that have tables."""
        return scale_table(LOWEST, HIGHEST, COUNT)

    def rounded(self, z: Tensor) -> Tensor:
        """z_hat = round(z - means) + means, in the memory layout of the decoder's."""
        return quantise(z, self.entropy_bottleneck.means.detach()).clone(memory_format=torch.contiguous_format)

    def hyper(self, z_hat: Tensor) -> tuple[Tensor, ...]:
        """Scales and means, [B, 2 latent, h, w]."""
        return (self.h_s(z_hat),)

    def predict(self, hyper: tuple[Tensor, ...], code: Coder) -> Tensor:
        """y_hat [B, latent, h, w] in 2 + 3 + 6 passes."""
        halves = hyper[0].chunk(2, 1)
        context = _each(lambda x: lower(lower(x, HALF), QUARTER), halves)
        first, *rest = self.quarter_steps
        y_hat = _coded(first, context, code)
        one = Grid(self.y_spatial_prior_adaptor_list_s1, self.y_spatial_prior_s1_s2, self.attn_s1, 4, 0)
        y_hat, context = self._grid(one, rest, y_hat, context, code)

        context = _each(lambda x: higher(x, QUARTER), context.chunk(2, 1)) + _each(misplaced_half, halves)
        two = Grid(self.y_spatial_prior_adaptor_list_s2, self.y_spatial_prior_s1_s2, self.attn_s2, 8, 1)
        raised = higher(y_hat, QUARTER)
        y_hat, context = self._grid(two, self.half_steps, raised, self.context_net[0](context), code)

        context = _each(lambda x: higher(x, HALF), context.chunk(2, 1)) + _each(outside_half, halves)
        three = Grid(self.y_spatial_prior_adaptor_list_s3, self.y_spatial_prior_s3, self.attn_s3, 8, 4)
        raised = higher(y_hat, HALF)
        return self._grid(three, self.full_steps, raised, self.context_net[1](context), code, last=True)[0]

    def _grid(
        self, grid: Grid, steps: Sequence[Step], y_hat: Tensor, context: Tensor, code: Coder, *, last: bool = False
    ) -> tuple[Tensor, Tensor]:
        """y_hat and the context after the steps of a grid; what the last attention of all would give, nothing uses."""
        for i, step in enumerate(steps):
            adapted = grid.adaptors[i - 1](torch.cat([context, y_hat], 1))  # the first step has the last adaptor
            prior = grid.prior(adapted, self.adaptive_params_list[grid.factors + i])
            y_hat = y_hat + _coded(step, prior, code)
            if not (last and i == len(steps) - 1):
                context = grid.attention(prior, context, grid.window)
        return y_hat, context

    def split(self, y: Tensor) -> Sequence[Tensor]:
        """What each step codes, the groups of channels folded onto each other."""
        half = lower(y, HALF)
        quarter = lower(half, QUARTER)
        grids = ((self.quarter_steps, quarter), (self.half_steps, half), (self.full_steps, y))
        return [step.fold(x).contiguous() for steps, x in grids for step in steps]

    def join(self, passes: Sequence[Tensor]) -> Tensor:
        """The inverse of `split`."""
        rest = iter(passes)
        quarter = sum(step.unfold(next(rest)) for step in self.quarter_steps)
        half = higher(quarter, QUARTER) + sum(step.unfold(next(rest)) for step in self.half_steps)
        return higher(half, HALF) + sum(step.unfold(next(rest)) for step in self.full_steps)


@dataclass(frozen=True, slots=True)
class Grid:
    """The networks of one grid. window: side of the attention's; factors: index of its first step's."""

    adaptors: nn.ModuleList
    prior: Prior
    attention: WindowCrossAttention
    window: int
    factors: int


def _each(change: Callable[[Tensor], Tensor], halves: Sequence[Tensor]) -> Tensor:
    """Scales and means changed by themselves, joined again."""
    return torch.cat([change(half) for half in halves], 1)


def _coded(step: Step, parameters: Tensor, code: Coder) -> Tensor:
    """y_hat of a step on its grid, zeros elsewhere."""
    scales, means = (step.fold(half).contiguous() for half in parameters.chunk(2, 1))
    return step.unfold(code(scales, means))


def build(state: Mapping[str, Tensor] | None, config: Config) -> nn.Module:
    """The network in eval mode. state: a checkpoint with the authors' names; None: fresh weights.

    Files of before 2026 lack the factors of the steps, which then are 1, as they were in training.
    Raises ValueError for a state that is not exactly this network's.
    """
    model = Hpcm(config)
    if state is not None:
        parameters = parameters_of(state, KEYS)
        if not any(name.startswith(FACTORS) for name in parameters):
            parameters |= {f"{FACTORS}.{i}": value.data for i, value in enumerate(model.adaptive_params_list)}
        load_strictly(model, parameters, partial(likely_cause, config=config))
    return model.eval()


def build_base(state: Mapping[str, Tensor] | None) -> nn.Module:
    """`build` of HPCM-Base."""
    return build(state, BASE)


def build_large(state: Mapping[str, Tensor] | None) -> nn.Module:
    """`build` of HPCM-Large."""
    return build(state, LARGE)


def small() -> nn.Module:
    """The same network with few channels and fresh weights, for tests."""
    return Hpcm(
        Config(widths=(8, 8, 16), depths=(1, 1, 1), latent=16, hyper=8, coarse=(1, 1), fine=(1, 1), heads=4)
    ).eval()


def likely_cause(parameters: Mapping[str, Tensor], config: Config) -> str:
    """What a state that does not fit may be."""
    if "y_spatial_prior_s3.branch_1.0.branch.0.weight" not in parameters:
        return "weights of another codec"
    found = LARGE if "g_a.branch.14.branch.3.bias" in parameters else BASE
    if found.depths != config.depths:
        named = {LARGE.depths: "hpcm-large", BASE.depths: "hpcm-base"}
        return f"{named[found.depths]}; this one is {named.get(config.depths, 'another size')}"
    return "part of the file is lost, or it was saved by other code for the same network"
