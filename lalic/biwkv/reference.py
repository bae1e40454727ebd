"""The definition of BiWKV as code: the O(T^2) formula, in any floating-point type. Backends are tested against it."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-6  # added to the denominator, measured relative to the largest weight

Gradients = tuple[Tensor, Tensor, Tensor, Tensor]  # of w, u, k, v


def forward(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Bidirectional WKV attention (LALIC, arXiv:2502.05741, eq. 6), every pair of tokens written out.

    w, u: [C], decay and boost, already divided by T; any sign.
    k, v: [B, T, C]. Returns [B, T, C].
    """
    return (_shares(w, u, k) * v[:, None]).sum(2)


def backward(w: Tensor, u: Tensor, k: Tensor, v: Tensor, grad: Tensor) -> Gradients:
    """The gradients of w, u, k, v from grad, that of forward's result [B, T, C].

    The largest weight, to which EPSILON relates, counts as a constant.
    """
    shares = _shares(w, u, k)
    y = (shares * v[:, None]).sum(2, keepdim=True)
    given = grad[:, :, None] * shares
    flow = given * (v[:, None] - y)  # [B, T, T, C]: the gradient of every pair's exponent
    lag = _lag(k)[..., None]
    own = flow.diagonal(dim1=1, dim2=2)  # [B, C, T]
    return -(flow * lag.clamp(min=0)).sum((0, 1, 2)), own.sum((0, 2)), flow.sum(1), given.sum(1)


def _lag(k: Tensor) -> Tensor:
    """Tokens that lie between two, [T, T]; -1 on the diagonal."""
    t = torch.arange(k.shape[1], device=k.device)
    return (t[:, None] - t[None, :]).abs() - 1


def _shares(w: Tensor, u: Tensor, k: Tensor) -> Tensor:
    """The weight of v at each token: [B, T, T, C], axis 1 the receiving token, axis 2 the giving one."""
    lag = _lag(k)[..., None]
    exponent = torch.where(lag < 0, u, -lag * w) + k[:, None]
    weight = torch.exp(exponent - exponent.amax(2, keepdim=True).detach())
    return weight / (weight.sum(2, keepdim=True) + EPSILON)
