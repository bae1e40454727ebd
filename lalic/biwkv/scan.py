"""BiWKV in O(T) with plain torch operations: a two-level scan that runs on any device, forward and backward.

The tokens are cut into chunks. All chunks are scanned side by side, one position at a time and in both directions;
then the chunks' sums are carried across chunks by doubling; then both are joined at every position.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lalic.biwkv.reference import EPSILON, Gradients

Positions = tuple[Tensor, ...]  # per position in a chunk, [B, chunks, C]


class Sums(NamedTuple):
    """Weighted sums over some tokens: the true values are numerator * e^peak and denominator * e^peak."""

    peak: Tensor  # the largest exponent among the tokens; hugely negative where there are none
    numerator: Tensor
    denominator: Tensor


Sides = list[tuple[Sums, Sums]]  # per position the sums over all earlier and all later tokens, as received there


def forward(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`reference.forward` with its arguments and result, in O(T) time and memory."""
    keys, values = _cut(k, _nothing(k.dtype)), _cut(v)
    received = _received(_sides(w, keys, values), u, keys, values)
    return _merge([sums.numerator.div_(sums.denominator) for sums in received], k.shape[1])


def backward(w: Tensor, u: Tensor, k: Tensor, v: Tensor, grad: Tensor) -> Gradients:
    """`reference.backward` with its arguments and result, in O(T) time and memory.

    The gradients are sums over the receiving tokens, which decay with distance as those over the giving ones do:
    README.md, "Gradients".
    """
    tokens = k.shape[1]
    keys, values = _cut(k, _nothing(k.dtype)), _cut(v)
    given = _sides(w, keys, values)
    received = _received(given, u, keys, values)
    peak = _merge([s.peak for s in received], tokens)
    y = _merge([s.numerator / s.denominator for s in received], tokens)
    h = grad / _merge([s.denominator for s in received], tokens)
    own = torch.exp(k + u - peak) * h
    taken = _sides(w, _cut(-peak, _nothing(k.dtype)), _cut(h * y), _cut(h))
    shares = [_weigh(key, sides) for key, sides in zip(keys, taken, strict=True)]
    dv = own + _merge([share for share, _ in shares], tokens)
    dk = v * dv - own * y - _merge([back for _, back in shares], tokens)
    crossing = sum(
        _crossing(w, after, before) + _crossing(w, earlier, later)
        for (before, later), (earlier, after) in zip(given, taken, strict=True)
    )
    return -crossing.sum((0, 1)), (own * (v - y)).sum((0, 1)), dk, dv


def chunk_length(tokens: int) -> int:
    """Tokens in a chunk: about the cube root, since the loop over positions costs more than the carry over chunks."""
    return 2 ** math.ceil(math.log2(tokens) / 3)


def _nothing(dtype: torch.dtype) -> float:
    """An exponent whose weight is zero beside any other; finite, so that differences of two stay numbers."""
    return torch.finfo(dtype).min / 4


def _cut(x: Tensor, fill: float = 0.0) -> Positions:
    """[B, T, C] -> per position [B, chunks, C]; `fill` stands at the positions after the last token."""
    batch, tokens, channels = x.shape
    length = chunk_length(tokens)
    chunks = math.ceil(tokens / length)
    padded = F.pad(x, (0, 0, 0, chunks * length - tokens), value=fill)
    return padded.reshape(batch, chunks, length, channels).unbind(2)


def _merge(positions: list[Tensor], tokens: int) -> Tensor:
    """The inverse of _cut."""
    return torch.stack(positions, 2).flatten(1, 2)[:, :tokens]


def _sides(w: Tensor, exponents: Positions, numerators: Positions, denominators: Positions | None = None) -> Sides:
    """Tokens give e^exponent times (numerator, denominator), the denominator being 1 if there is none."""
    tokens = [exponents, numerators, denominators or (None,) * len(exponents)]
    length = len(exponents)
    before, left = _scan_chunks(w, *tokens)
    after, right = _scan_chunks(w, *(x[::-1] for x in tokens))
    left = _carry(left, w * length)
    right = _flip(_carry(_flip(right), w * length))
    return [
        (_add(_decay(left, w * i), before[i]), _add(_decay(right, w * (length - 1 - i)), after[-1 - i]))
        for i in range(length)
    ]


def _scan_chunks(
    w: Tensor, exponents: Positions, numerators: Positions, denominators: tuple[Tensor | None, ...]
) -> tuple[list[Sums], Sums]:
    """For every position the sums over the earlier positions of its chunk, and the sums over whole chunks."""
    zero = torch.zeros_like(numerators[0])
    sums = Sums(torch.full_like(exponents[0], _nothing(exponents[0].dtype)), zero, zero)
    earlier = []
    for exponent, numerator, denominator in zip(exponents, numerators, denominators, strict=True):
        earlier.append(sums)
        aged = sums.peak - w
        peak = torch.maximum(aged, exponent)
        old = (aged - peak).exp_()
        new = (exponent - peak).exp_()
        total = torch.addcmul(new if denominator is None else new * denominator, sums.denominator, old)
        sums = Sums(peak, (sums.numerator * old).addcmul_(numerator, new), total)
    return earlier, sums


def _carry(sums: Sums, decay: Tensor) -> Sums:
    """Sums over all earlier chunks, as seen at each chunk's first position; decay [C] is that over one chunk."""
    chunks = sums.peak.shape[1]
    step = 1
    while step < chunks:
        earlier = _decay(Sums(*(s[:, :-step] for s in sums)), decay * step)
        joined = _add(earlier, Sums(*(s[:, step:] for s in sums)))
        sums = Sums(*(torch.cat([s[:, :step], j], 1) for s, j in zip(sums, joined, strict=True)))
        step *= 2
    fills = (_nothing(decay.dtype), 0.0, 0.0)
    return Sums(*(F.pad(s[:, :-1], (0, 0, 1, 0), value=fill) for s, fill in zip(sums, fills, strict=True)))


def _decay(sums: Sums, amount: Tensor) -> Sums:
    return sums._replace(peak=sums.peak - amount)


def _flip(sums: Sums) -> Sums:
    return Sums(*(s.flip(1) for s in sums))


def _add(a: Sums, b: Sums) -> Sums:
    peak = torch.maximum(a.peak, b.peak)
    scale_a, scale_b = (a.peak - peak).exp_(), (b.peak - peak).exp_()
    numerator = (a.numerator * scale_a).addcmul_(b.numerator, scale_b)
    return Sums(peak, numerator, (a.denominator * scale_a).addcmul_(b.denominator, scale_b))


def _received(sides: Sides, u: Tensor, keys: Positions, values: Positions) -> list[Sums]:
    """Per position the sums over all tokens, its own with the boost; the denominator with EPSILON."""
    return [
        _join(before, after, key + u, value) for (before, after), key, value in zip(sides, keys, values, strict=True)
    ]


def _join(before: Sums, after: Sums, own: Tensor, value: Tensor) -> Sums:
    peak = torch.maximum(torch.maximum(before.peak, after.peak), own)
    denominator = (own - peak).exp_()
    numerator = value * denominator
    denominator = denominator + EPSILON
    for sums in (before, after):
        scale = (sums.peak - peak).exp_()
        numerator.addcmul_(sums.numerator, scale)
        denominator.addcmul_(sums.denominator, scale)
    return Sums(peak, numerator, denominator)


def _weigh(key: Tensor, sides: tuple[Sums, Sums]) -> tuple[Tensor, Tensor]:
    """e^key times the denominators and the numerators of both sides."""
    weights = [(key + sums.peak).exp_() for sums in sides]
    denominator = sum(weight * sums.denominator for weight, sums in zip(weights, sides, strict=True))
    return denominator, sum(weight * sums.numerator for weight, sums in zip(weights, sides, strict=True))


def _crossing(w: Tensor, receivers: Sums, givers: Sums) -> Tensor:
    """All that flows over a token, from the givers on its one side to the receivers on its other."""
    weight = (receivers.peak + givers.peak - w).exp_()
    return weight * (receivers.denominator * givers.numerator - receivers.numerator * givers.denominator)
