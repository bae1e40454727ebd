"""The scan on the CPU by the compiled kernels in csrc/: any channels, float32 and float64, all of torch's threads."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from native import Kernels

KERNELS = Kernels("adapters.mambavc.scan", "mambavc_scan")
_GROUP = 16  # the kernels take channels in groups of this many


def forward(x: Tensor, projected: Tensor, dt_weight: Tensor, dt_bias: Tensor, a: Tensor, d: Tensor) -> Tensor:
    """`reference.forward` with its arguments and result, for float32 and float64 on the CPU."""
    batch, height, width, channels = x.shape
    rank, states = dt_weight.shape[2], a.shape[2]
    weights = (_grouped(dt_weight), _grouped(dt_bias), _grouped(a), _grouped(d))
    x = F.pad(x, (0, -channels % _GROUP)).contiguous() if channels % _GROUP else x.contiguous()
    groups = x.shape[3] // _GROUP
    state = x.new_empty(batch, 2, groups, states, _GROUP)
    rows, columns = torch.empty_like(x), torch.empty_like(x)
    arrays = (x, projected.contiguous(), *weights, state, rows, columns)
    shape = (batch, height, width, groups, rank, states)
    KERNELS.call("mambavc_scan", shape, *arrays)
    return rows.add_(columns)[..., :channels]


def _grouped(weights: Tensor) -> Tensor:
    """[4, D, ...] -> [4, groups, ..., 16], with zeros as further channels up to a multiple of 16."""
    by_channel = weights.movedim(1, -1)
    padded = F.pad(by_channel, (0, -by_channel.shape[-1] % _GROUP))
    return padded.unflatten(-1, (-1, _GROUP)).movedim(-2, 1).contiguous()
