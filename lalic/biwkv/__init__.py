"""BiWKV attention, the linear-time operator of LALIC: one function, one table of backends. Needs torch only."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from lalic.biwkv.reference import biwkv_reference
from lalic.biwkv.scan import biwkv_scan

__all__ = ["BACKENDS", "biwkv", "choose_backend"]

BACKENDS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "reference": biwkv_reference,
    "torch": biwkv_scan,
}


def biwkv(w: Tensor, u: Tensor, k: Tensor, v: Tensor, backend: str = "auto") -> Tensor:
    """Bidirectional WKV attention (LALIC, arXiv:2502.05741, eq. 6; README.md has the maths).

    w, u: [C], decay and boost, already divided by T; any sign.
    k, v: [B, T, C], T >= 1, of one floating-point type. Returns [B, T, C].
    backend: "auto" or a name in BACKENDS. The sums of two backends differ by rounding, so an encoder and its decoder
        must use the same one.
    """
    name = choose_backend(k) if backend == "auto" else backend
    if name not in BACKENDS:
        raise ValueError(f"Unknown BiWKV backend {backend!r}. Known: auto, {', '.join(BACKENDS)}.")
    return BACKENDS[name](w, u, k, v)


def choose_backend(k: Tensor) -> str:
    """The backend that "auto" means for tensors like k."""
    return "torch"
