"""The definition of BiWKV as code: the O(T^2) formula, in any floating-point type. Backends are tested against it."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-6  # added to the denominator, measured relative to the largest weight


def biwkv_reference(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Bidirectional WKV attention (LALIC, arXiv:2502.05741, eq. 6), every pair of tokens written out.

    w, u: [C], decay and boost, already divided by T; any sign.
    k, v: [B, T, C]. Returns [B, T, C].
    """
    t = torch.arange(k.shape[1], device=k.device)
    gap = ((t[:, None] - t[None, :]).abs() - 1)[..., None]  # [T, T, 1]: -1 on the diagonal
    bias = torch.where(gap < 0, u, -gap * w)  # [T, T, C]
    exponent = bias + k[:, None]  # [B, T, T, C]: axis 1 is the receiving token, axis 2 the giving one
    weight = torch.exp(exponent - exponent.amax(2, keepdim=True))
    return (weight * v[:, None]).sum(2) / (weight.sum(2) + EPSILON)
