"""BiWKV attention, the linear-time operator of LALIC: one function, one table of backends. Needs torch and native/."""

from __future__ import annotations

from torch import Tensor

from lalic.biwkv.operator import BACKENDS, biwkv_op, choose_backend, forward_mode, kernels_on

__all__ = ["BACKENDS", "biwkv", "choose_backend", "forward_mode", "kernels_on"]


def biwkv(w: Tensor, u: Tensor, k: Tensor, v: Tensor, backend: str = "auto") -> Tensor:
    """Bidirectional WKV attention (LALIC, arXiv:2502.05741, eq. 6; README.md has the maths).

    w, u: [C], decay and boost, already divided by T; any sign.
    k, v: [B, T, C], T >= 1, of one floating-point type; float16 and bfloat16 are summed in float32.
    Returns [B, T, C] of that type. Differentiable once, by backward(); not by forward mode or torch.func.
    backend: "auto" or a name in BACKENDS. The sums of two backends differ by rounding, so an encoder and its decoder
        must use the same one.
    Raises ValueError for wrong shapes, types or names, RuntimeError if the backend cannot run on that device.
    """
    if forward_mode():
        raise RuntimeError("BiWKV has no forward-mode derivative: differentiate by backward().")
    return biwkv_op(w, u, k, v, backend)
