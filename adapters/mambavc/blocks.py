"""The VSS block and the five transforms of MambaVC (Qin et al., arXiv:2405.15413). For inference: see `selective_scan`.

The keys of a state dict are those of the authors' code. Between the convolutions features are pixels with channels
last, [B, H, W, C]; as an image they are the same memory in channels-last order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.mambavc.scan import selective_scan

DIRECTIONS = 4
STEPS = (1e-3, 1e-1)  # the range of dt before training, log-uniform


@dataclass(frozen=True, slots=True)
class Sizes:
    """Channels of the features, of y and of z; blocks per stage of g_a and then of h_a; states per channel."""

    width: int = 256
    latent: int = 320
    hyper: int = 192
    depths: tuple[int, int, int, int] = (2, 2, 9, 2)
    states: int = 16


class SelectiveScan(nn.Module):
    """`selective_scan` as a module, so that counters which go by modules name it."""

    def forward(self, x: Tensor, *weights: Tensor) -> Tensor:
        """x: [B, H, W, D]; weights: as `selective_scan` takes them. Returns [B, H, W, D].

        Below float32 the states are summed in float32: over thousands of steps nothing less is close.
        """
        wide = torch.promote_types(x.dtype, torch.float32)
        return selective_scan(x.to(wide), *(weight.to(wide) for weight in weights)).to(x.dtype)


class GatedScan(nn.Module):
    """out_proj(norm(scan(silu(conv(x)))) * silu(z)), x and z being the halves of in_proj; twice as wide inside."""

    def __init__(self, width: int, states: int = 16) -> None:
        super().__init__()
        inner, rank = 2 * width, math.ceil(width / 16)
        bound = rank**-0.5
        self.x_proj_weight = nn.Parameter(torch.empty(DIRECTIONS, rank + 2 * states, inner))
        self.dt_projs_weight = nn.Parameter(torch.empty(DIRECTIONS, inner, rank).uniform_(-bound, bound))
        self.dt_projs_bias = nn.Parameter(_first_steps(DIRECTIONS, inner))
        self.A_logs = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(DIRECTIONS * inner, 1))
        self.Ds = nn.Parameter(torch.ones(DIRECTIONS * inner))
        self.out_norm = nn.LayerNorm(inner)
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv2d = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.out_proj = nn.Linear(inner, width, bias=False)
        self.scan = SelectiveScan()
        for projection in self.x_proj_weight:
            nn.init.kaiming_uniform_(projection, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, H, W, C] -> [B, H, W, C]."""
        x, z = self.in_proj(x).chunk(2, -1)
        z = F.silu(z)  # a copy, so that the larger map of both is gone before the scan needs room
        x = F.silu(self.conv2d(x.permute(0, 3, 1, 2)), inplace=True).permute(0, 2, 3, 1)
        weights = (self.x_proj_weight, self.dt_projs_weight, self.dt_projs_bias, self.A_logs, self.Ds)
        x = self.scan(x, *weights)
        return self.out_proj(self.out_norm(x).mul_(z))


class VssBlock(nn.Module):
    """x + op(norm(x)): a visual state space block without an MLP."""

    def __init__(self, width: int, states: int = 16) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.op = GatedScan(width, states)

    def forward(self, image: Tensor) -> Tensor:
        """image [B, C, H, W] -> [B, C, H, W]."""
        x = image.permute(0, 2, 3, 1).contiguous()  # no copy unless a convolution left another layout
        return self.op(self.norm(x)).add_(x).permute(0, 3, 1, 2)


def analysis(sizes: Sizes) -> nn.Sequential:
    """g_a: images [B, 3, H, W] -> y [B, latent, H / 16, W / 16]."""
    first, second, third, _ = (_blocks(sizes, depth) for depth in sizes.depths)
    w = sizes.width
    return nn.Sequential(_down(3, w, 5), *first, _down(w, w), *second, _down(w, w), *third, _down(w, sizes.latent))


def synthesis(sizes: Sizes) -> nn.Sequential:
    """g_s: y_hat [B, latent, H / 16, W / 16] -> x_hat [B, 3, H, W]."""
    first, second, third, _ = (_blocks(sizes, depth) for depth in sizes.depths)
    w = sizes.width
    return nn.Sequential(_up(sizes.latent, w), *third, _up(w, w), *second, _up(w, w), *first, _up(w, 3, 5))


def hyper_analysis(sizes: Sizes) -> nn.Sequential:
    """h_a: y [B, latent, H / 16, W / 16] -> z [B, hyper, H / 64, W / 64]."""
    blocks = _blocks(sizes, sizes.depths[3])
    return nn.Sequential(_down(sizes.latent, sizes.width), *blocks, _down(sizes.width, sizes.hyper))


def hyper_synthesis(sizes: Sizes) -> nn.Sequential:
    """h_mean_s or h_scale_s: z_hat [B, hyper, H / 64, W / 64] -> [B, latent, H / 16, W / 16]."""
    blocks = _blocks(sizes, sizes.depths[3])
    return nn.Sequential(_up(sizes.hyper, sizes.width), *blocks, _up(sizes.width, sizes.latent))


def _first_steps(*shape: int) -> Tensor:
    """The bias whose softplus is a dt drawn from STEPS."""
    low, high = map(math.log, STEPS)
    dt = torch.empty(shape).uniform_(low, high).exp()
    return dt + torch.log(-torch.expm1(-dt))


def _blocks(sizes: Sizes, depth: int) -> Iterator[nn.Module]:
    return (VssBlock(sizes.width, sizes.states) for _ in range(depth))


def _down(inputs: int, outputs: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2)


def _up(inputs: int, outputs: int, kernel: int = 3) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=kernel // 2, output_padding=1)
