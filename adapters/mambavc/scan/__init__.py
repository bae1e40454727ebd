"""The selective scan of MambaVC over a picture, in four directions: one function, one table of backends."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from adapters.mambavc.scan.operator import BACKENDS, choose_backend, kernels_on, selective_scan_op

__all__ = ["BACKENDS", "choose_backend", "kernels_on", "selective_scan"]


def selective_scan(
    x: Tensor,
    x_proj_weight: Tensor,
    dt_projs_weight: Tensor,
    dt_projs_bias: Tensor,
    a_logs: Tensor,
    ds: Tensor,
    backend: str = "auto",
) -> Tensor:
    """The four-directional selective scan (Mamba, arXiv:2312.00752, algorithm 2; MambaVC, arXiv:2405.15413).

    x: [B, H, W, D], B, H, W >= 0, float32 or float64 as all other arguments.
    x_proj_weight: [4, R + 2 N, D], x to (dt of rank R, B, C of N states) per direction: rows from the top left, columns
        from the top left, and both backwards.
    dt_projs_weight: [4, D, R]; dt_projs_bias: [4, D]; dt = softplus(weight dt + bias).
    a_logs: [4 D, N], A = -exp(a_logs); ds: [4 D].
    Returns [B, H, W, D], per direction h = exp(dt A) h + dt B x from h = 0 and C h + ds x, summed over the directions.
    For inference: differentiating the result is an error.
    backend: "auto" or a name in BACKENDS. Two backends round differently: an encoder and its decoder must use the same.
    Raises ValueError for wrong shapes, types or names, RuntimeError if the backend cannot run on that device.
    """
    weights = {"x_proj_weight": x_proj_weight, "dt_projs_weight": dt_projs_weight, "dt_projs_bias": dt_projs_bias}
    _check(x, weights | {"a_logs": a_logs, "ds": ds})
    projected = F.linear(x, x_proj_weight.flatten(0, 1)).unflatten(-1, x_proj_weight.shape[:2])
    a, d = -a_logs.exp().unflatten(0, (4, -1)), ds.unflatten(0, (4, -1))
    return selective_scan_op(x, projected, dt_projs_weight, dt_projs_bias, a, d, backend)


def _check(x: Tensor, weights: dict[str, Tensor]) -> None:
    if x.ndim != 4 or x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"The scan takes x [B, H, W, D] of float32 or float64, not {list(x.shape)} of {x.dtype}.")
    channels, rank, states = x.shape[3], weights["dt_projs_weight"].shape[-1], weights["a_logs"].shape[-1]
    shapes = [
        (4, rank + 2 * states, channels),
        (4, channels, rank),
        (4, channels),
        (4 * channels, states),
        (4 * channels,),
    ]
    for (name, tensor), shape in zip(weights.items(), shapes, strict=True):
        if tensor.shape != shape:
            raise ValueError(f"The scan takes {name} {list(shape)} with x {list(x.shape)}, not {list(tensor.shape)}.")
        if tensor.dtype != x.dtype or tensor.device != x.device:
            raise ValueError(
                f"The scan takes {name} of the type and on the device of x, {x.dtype} on {x.device}, "
                f"not {tensor.dtype} on {tensor.device}."
            )
