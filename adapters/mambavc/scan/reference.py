"""The definition of the scan as code: pixel by pixel. The other backends are tested against it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from adapters.mambavc.scan.paths import scan_paths


def forward(x: Tensor, projected: Tensor, dt_weight: Tensor, dt_bias: Tensor, a: Tensor, d: Tensor) -> Tensor:
    """Mamba's recurrence (arXiv:2312.00752, eq. 2 with its discretisation) in four directions, summed.

    x: [B, H, W, D]. projected: [B, H, W, 4, R + 2 N], per direction dt before its own projection, B and C.
    dt_weight: [4, D, R]; dt_bias: [4, D]; a: [4, D, N], negative; d: [4, D]. Returns [B, H, W, D].
    """
    _, height, width, _ = x.shape
    u, split = x.flatten(1, 2), (dt_weight.shape[2], a.shape[2], a.shape[2])
    results = []
    for k, path in enumerate(scan_paths(height, width, x.device)):
        dt_in, b, c = projected.flatten(1, 2)[:, :, k].split(split, -1)
        dt = F.softplus(dt_in @ dt_weight[k].T + dt_bias[k])
        results.append(_one_direction(u, dt, b, c, a[k], path) + d[k] * u)
    return ((results[0] + results[2]) + (results[1] + results[3])).view(x.shape)


def _one_direction(u: Tensor, dt: Tensor, b: Tensor, c: Tensor, a: Tensor, path: Tensor) -> Tensor:
    """u, dt: [B, T, D]; b, c: [B, T, N]; a: [D, N]; path: [T]. Returns C h [B, T, D]."""
    h = u.new_zeros(*u.shape[::2], a.shape[1])  # [B, D, N]
    y = torch.empty_like(u)
    for t in path.tolist():
        h = torch.exp(dt[:, t, :, None] * a) * h + (dt[:, t] * u[:, t])[:, :, None] * b[:, t, None]
        y[:, t] = (h * c[:, t, None]).sum(-1)
    return y
