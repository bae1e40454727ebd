"""The channel transformer of T-CA (Li et al., ICLR 2024, arXiv:2310.16387, section 3.4).

All of it is grouped by slice of y, but for the attention, in which a slice sees itself and earlier ones. So every layer
runs in two ways: `forward` on all slices at once, `step` on one slice, given the keys and values of those before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.fat.config import SLICES
from adapters.shared.windows import merge, partition

WINDOW = 8  # rows and columns of y

Run = Callable[[nn.Module, Tensor], Tensor]  # one module on all slices, or its share of one slice
Cache = list[tuple[Tensor, Tensor]]  # keys and values of each slice so far


def on_all(module: nn.Module, x: Tensor) -> Tensor:
    """A Run over all slices."""
    out: Tensor = module(x)
    return out


def on_slice(index: int, module: nn.Module, x: Tensor) -> Tensor:
    """A Run of the part of a grouped convolution or normalisation that belongs to slice `index`; others run whole."""
    if isinstance(module, nn.Conv2d):
        weight, bias = module.weight.chunk(SLICES)[index], module.bias.chunk(SLICES)[index]
        return F.conv2d(x, weight, bias, padding=module.padding, groups=module.groups // SLICES)
    if isinstance(module, nn.GroupNorm):
        weight, bias = module.weight.chunk(SLICES)[index], module.bias.chunk(SLICES)[index]
        return F.group_norm(x, module.num_groups // SLICES, weight, bias, module.eps)
    return on_all(module, x)


def sliced_conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    """A convolution in which slices do not mix."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=SLICES)


class PositionalEncoding(nn.Module):
    """x + GELU(norm(depthwise convolution of x))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm = nn.GroupNorm(SLICES, width)
        self.activation = nn.GELU()

    def forward(self, x: Tensor, run: Run = on_all) -> Tensor:
        """x [B, C, rows, cols] -> the same shape."""
        return x + self.activation(run(self.norm, run(self.proj, x)))


class ChannelAttention(nn.Module):
    """Attention between channels: channel c is head c % heads of token c // heads, a vector of the window's pixels."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.tokens = heads, width // heads
        self.proj = sliced_conv(width, width, 1)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, run: Run = on_all) -> Tensor:
        """q [B, C, rows, cols]; k, v [B, heads, tokens, pixels] -> shape of q. mask: [queries, keys], True: seen."""
        # The scale is of the number of tokens of all slices, not of a token's length as elsewhere.
        out = F.scaled_dot_product_attention(self.split(q), k, v, attn_mask=mask, scale=self.tokens**-0.5)
        return run(self.proj, out.transpose(1, 2).reshape(q.shape))

    def split(self, x: Tensor) -> Tensor:
        """[B, C, rows, cols] -> [B, heads, tokens, pixels]."""
        return x.flatten(2).unflatten(1, (-1, self.heads)).transpose(1, 2)

    def causal(self, device: torch.device) -> Tensor:
        """Which token sees which: those of its own slice and of earlier ones, [tokens, tokens]."""
        slices = torch.arange(self.tokens, device=device) // (self.tokens // SLICES)
        return slices[:, None] >= slices[None]


class Mlp(nn.Module):
    """Two 1x1 convolutions with a GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = sliced_conv(width, width, 1)
        self.act = nn.GELU()
        self.fc2 = sliced_conv(width, width, 1)

    def forward(self, x: Tensor, run: Run = on_all) -> Tensor:
        """x [B, C, h, w] -> the same shape."""
        return run(self.fc2, self.act(run(self.fc1, x)))


class ChannelLayer(nn.Module):
    """Channel attention inside windows, then an MLP, each with a residual connection. Maps: [B, C, h, w]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.q1, self.k1, self.v1 = (sliced_conv(width, width, 1) for _ in range(3))
        self.norm1 = nn.GroupNorm(SLICES, width)
        self.norm2 = nn.GroupNorm(SLICES, width)
        self.cpe = nn.Sequential(PositionalEncoding(width))
        self.attn = ChannelAttention(width, heads)
        self.mlp = Mlp(width)

    def forward(self, t: Tensor) -> Tensor:
        """All slices at once."""
        x = self.encode(t, on_all)
        k, v = self.attn.split(self.k1(x)), self.attn.split(self.v1(x))
        return self.finish(t, self.attn(self.q1(x), k, v, self.attn.causal(x.device)), on_all)

    def step(self, t: Tensor, index: int, cache: Cache) -> Tensor:
        """Slice `index` alone, [B, C / 5, h, w]; its keys and values are added to the cache."""
        run = partial(on_slice, index)
        x = self.encode(t, run)
        cache.append((self.attn.split(run(self.k1, x)), self.attn.split(run(self.v1, x))))
        k, v = (torch.cat(parts, 2) for parts in zip(*cache, strict=True))
        return self.finish(t, self.attn(run(self.q1, x), k, v, None, run), run)

    def encode(self, t: Tensor, run: Run) -> Tensor:
        """Normalised windows with encoded positions, [B * windows, C, 8, 8]; borders are those of the window."""
        windows = partition(t.permute(0, 2, 3, 1), WINDOW, WINDOW).transpose(1, 2)
        x = run(self.norm1, windows.unflatten(2, (WINDOW, WINDOW)).contiguous())
        return self.cpe[0](x, run)

    def finish(self, t: Tensor, attended: Tensor, run: Run) -> Tensor:
        """Put the windows back and run the MLP."""
        channels_last = merge(attended.flatten(2).transpose(1, 2), WINDOW, WINDOW, *t.shape[2:])
        t = t + channels_last.permute(0, 3, 1, 2)
        return t + self.mlp(run(self.norm2, t), run)


class ChannelTransformer(nn.Module):
    """Features of every slice of y from the hyperprior and the slices before it."""

    def __init__(self, latent: int, ratio: int, heads: int, depth: int) -> None:
        super().__init__()
        width = ratio * latent
        self.start_token = nn.Parameter(torch.zeros(1, latent // SLICES, 1, 1))  # in checkpoints, never used
        self.start_token_from_hyperprior = nn.Conv2d(2 * latent, latent // SLICES, 3, padding=1)
        self.lift = sliced_conv(latent, width, 3)
        self.layers = nn.ModuleList(ChannelLayer(width, heads) for _ in range(depth))

    def forward(self, hyper: Tensor, q: Tensor) -> Tensor:
        """hyper [B, 2 * M, h, w], the quantised y [B, M, h, w] -> [B, ratio * M, h, w]; h, w multiples of 8."""
        earlier = q[:, : q.shape[1] // SLICES * (SLICES - 1)]
        t = self.lift(torch.cat([self.start_token_from_hyperprior(hyper), earlier], 1))
        for layer in self.layers:
            t = layer(t)
        return t

    def step(self, earlier: Tensor, index: int, caches: list[Cache]) -> Tensor:
        """Features of slice `index`, [B, ratio * M / 5, h, w], from slice index - 1 or the start token."""
        t = on_slice(index, self.lift, earlier)
        for layer, cache in zip(self.layers, caches, strict=True):
            t = layer.step(t, index, cache)
        return t
