"""BiWKV in O(T) with plain torch operations: a two-level scan that runs on any device and can be differentiated.

The tokens are cut into chunks. All chunks are scanned side by side, one position at a time and in both directions;
then the chunks' sums are carried across chunks by doubling; then both are joined at every position.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lalic.biwkv.reference import EPSILON


class Sums(NamedTuple):
    """Weighted sums over some tokens: the true values are numerator * e^peak and denominator * e^peak."""

    peak: Tensor  # the largest exponent among the tokens; hugely negative where there are none
    numerator: Tensor
    denominator: Tensor


def biwkv_scan(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`biwkv_reference` with its arguments and result, in O(T) time and memory."""
    batch, tokens, channels = k.shape
    length = chunk_length(tokens)
    chunks = math.ceil(tokens / length)
    extra = (0, 0, 0, chunks * length - tokens)
    keys = F.pad(k, extra, value=_nothing(k.dtype)).reshape(batch, chunks, length, channels).unbind(2)
    values = F.pad(v, extra).reshape(batch, chunks, length, channels).unbind(2)
    before, left = _scan_chunks(w, keys, values)
    after, right = _scan_chunks(w, keys[::-1], values[::-1])
    left = _carry(left, w * length)
    right = _flip(_carry(_flip(right), w * length))
    outputs = []
    for i in range(length):
        others = (before[i], after[-1 - i], _decay(left, w * i), _decay(right, w * (length - 1 - i)))
        outputs.append(_join(others, u + keys[i], values[i]))
    return torch.stack(outputs, 2).view(batch, -1, channels)[:, :tokens]


def chunk_length(tokens: int) -> int:
    """Tokens in a chunk: about the cube root, since the loop over positions costs more than the carry over chunks."""
    return 2 ** math.ceil(math.log2(tokens) / 3)


def _nothing(dtype: torch.dtype) -> float:
    """An exponent whose weight is zero beside any other; finite, so that differences of two stay numbers."""
    return torch.finfo(dtype).min / 4


def _scan_chunks(w: Tensor, keys: tuple[Tensor, ...], values: tuple[Tensor, ...]) -> tuple[list[Sums], Sums]:
    """For every position the sums over the earlier positions of its chunk, and the sums over whole chunks.

    keys, values: per position, [B, chunks, C].
    """
    zero = torch.zeros_like(values[0])
    sums = Sums(torch.full_like(keys[0], _nothing(keys[0].dtype)), zero, zero)
    earlier = []
    for key, value in zip(keys, values, strict=True):
        earlier.append(sums)
        aged = sums.peak - w
        peak = torch.maximum(aged, key)
        old = (aged - peak).exp_()
        new = (key - peak).exp_()
        sums = Sums(peak, (sums.numerator * old).addcmul_(value, new), torch.addcmul(new, sums.denominator, old))
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


def _join(others: tuple[Sums, ...], own: Tensor, value: Tensor) -> Tensor:
    """One position's y per chunk, from sums over all other tokens and its own exponent and value, [B, chunks, C]."""
    peak = own
    for sums in others:
        peak = torch.maximum(peak, sums.peak)
    denominator = (own - peak).exp_()
    numerator = value * denominator
    denominator = denominator + EPSILON
    for sums in others:
        scale = (sums.peak - peak).exp_()
        numerator.addcmul_(sums.numerator, scale)
        denominator.addcmul_(sums.denominator, scale)
    return numerator.div_(denominator)
