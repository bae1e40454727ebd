"""BiWKV as torch operators, lalic::biwkv and its gradients, known to autograd, torch.compile and FLOP counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.library import define, impl, register_autograd, register_fake
from torch.utils.flop_counter import register_flop_formula

from lalic.biwkv import cpu, cuda, reference, scan
from lalic.biwkv.reference import Gradients
from native import SUFFIXES


@dataclass(frozen=True, slots=True)
class Backend:
    """One implementation. Its functions get sequences of one type in `dtypes`, w and u in that type or float32."""

    forward: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Gradients]
    devices: tuple[str, ...] = ()  # empty: all
    dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float64)
    missing: Callable[[], str | None] = lambda: None  # why it cannot run here


BACKENDS = {
    "reference": Backend(reference.forward, reference.backward),
    "torch": Backend(scan.forward, scan.backward),
    "cpu": Backend(cpu.forward, cpu.backward, ("cpu",), tuple(SUFFIXES), cpu.KERNELS.missing),
    "cuda": Backend(cuda.forward, cuda.backward, ("cuda",), tuple(cuda.STORAGE), cuda.missing),
}
OPERATIONS = 29  # per token and channel: LALIC, arXiv:2502.05741, Table 5


def choose_backend(device: str | torch.device, dtype: torch.dtype = torch.float32) -> str:
    """The backend that "auto" means: the compiled kernels for the device, or "torch" where there are none."""
    name = torch.device(device).type
    backend = BACKENDS.get(name)
    return name if backend and taken_type(backend, dtype) and backend.missing() is None else "torch"


def forward_mode() -> bool:
    """Whether derivatives are being computed forward, in which operators without a rule would count as constant."""
    return getattr(forward_ad, "_current_level", -1) >= 0


def kernels_on(device: str | torch.device) -> str:
    """What computes float32 sequences on a device, so precisely that two of one name round alike."""
    name, kind = choose_backend(device), torch.device(device).type
    if kind == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        kind = f"sm_{major}{minor}"
    return name if name == kind else f"{name}-{kind}"


def find_backend(name: str, k: Tensor) -> Backend:
    """The backend of that name. Raises ValueError if there is none, RuntimeError if it cannot run on k."""
    if name not in ("auto", *BACKENDS):
        raise ValueError(f"Unknown BiWKV backend {name!r}. Known: auto, {', '.join(BACKENDS)}.")
    name = choose_backend(k.device, k.dtype) if name == "auto" else name
    backend = BACKENDS[name]
    if backend.devices and k.device.type not in backend.devices:
        raise RuntimeError(f"BiWKV backend {name!r} needs tensors on {' or '.join(backend.devices)}, not {k.device}.")
    if not taken_type(backend, k.dtype):
        raise RuntimeError(f"BiWKV backend {name!r} takes {', '.join(map(str, backend.dtypes))}, not {k.dtype}.")
    if reason := backend.missing():
        raise RuntimeError(f"BiWKV backend {name!r} cannot be used: {reason}.")
    return backend


# Not by torch.library.custom_op, whose first call in a process imports torch's compiler: two seconds.
define("lalic::biwkv", "(Tensor w, Tensor u, Tensor k, Tensor v, str backend) -> Tensor")
define(
    "lalic::biwkv_backward",
    "(Tensor w, Tensor u, Tensor k, Tensor v, Tensor grad, str backend) -> (Tensor, Tensor, Tensor, Tensor)",
)
biwkv_op = torch.ops.lalic.biwkv.default  # `lalic.biwkv.biwkv`
biwkv_backward_op = torch.ops.lalic.biwkv_backward.default


@impl("lalic::biwkv", "default")
def _forward(w: Tensor, u: Tensor, k: Tensor, v: Tensor, backend: str) -> Tensor:
    _check(w, u, k, v)
    implementation = find_backend(backend, k)
    return _fresh(implementation.forward(*_typed(implementation, w, u, k, v)), k)


@impl("lalic::biwkv_backward", "default")
def _backward(
    w: Tensor, u: Tensor, k: Tensor, v: Tensor, grad: Tensor, backend: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of w, u, k and v from that of the result, each of its tensor's type."""
    implementation = find_backend(backend, k)
    gradients = implementation.backward(*_typed(implementation, w, u, k, v, grad))
    dw, du, dk, dv = (_fresh(g, x) for g, x in zip(gradients, (w, u, k, v), strict=True))
    return dw, du, dk, dv


@register_fake("lalic::biwkv")
def _(w: Tensor, u: Tensor, k: Tensor, v: Tensor, backend: str) -> Tensor:
    _check(w, u, k, v)
    return torch.empty_like(k, memory_format=torch.contiguous_format)


@register_fake("lalic::biwkv_backward")
def _(w: Tensor, u: Tensor, k: Tensor, v: Tensor, grad: Tensor, backend: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    dw, du, dk, dv = (torch.empty_like(x, memory_format=torch.contiguous_format) for x in (w, u, k, v))
    return dw, du, dk, dv


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    *tensors, ctx.backend = inputs
    ctx.save_for_backward(*tensors[:4])


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    return (*biwkv_backward_op(*ctx.saved_tensors, grad, ctx.backend), None)


def _refuse(ctx: Any, *grads: Tensor) -> None:
    raise RuntimeError("BiWKV has no second derivative: its gradients cannot be differentiated again.")


register_autograd("lalic::biwkv", _differentiate, setup_context=_keep)
register_autograd("lalic::biwkv_backward", _refuse, setup_context=lambda ctx, inputs, output: None)


@register_flop_formula(torch.ops.lalic.biwkv)
def _operations(w: Any, u: Any, k: Any, *args: Any, **kwargs: Any) -> int:
    batch, tokens, channels = k
    return OPERATIONS * batch * tokens * channels


def _check(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> None:
    if k.ndim != 3 or k.shape != v.shape or k.shape[1] < 1 or w.shape != u.shape or w.shape != k.shape[2:]:
        shapes = ", ".join(f"{name} {list(x.shape)}" for name, x in zip("wukv", (w, u, k, v), strict=True))
        raise ValueError(f"BiWKV takes w, u [C] and k, v [B, T, C] with T >= 1, not {shapes}.")
    if not k.dtype.is_floating_point or k.dtype != v.dtype:
        raise ValueError(f"BiWKV takes k and v of one floating-point type, not {k.dtype} and {v.dtype}.")
    if len({x.device for x in (w, u, k, v)}) > 1:
        raise ValueError(f"BiWKV takes tensors on one device, not {', '.join(str(x.device) for x in (w, u, k, v))}.")


def taken_type(backend: Backend, dtype: torch.dtype) -> torch.dtype | None:
    """The type in which a backend takes sequences of some type: that one, or float32 for smaller ones."""
    if dtype in backend.dtypes:
        return dtype
    return torch.float32 if dtype.itemsize < 4 else None


def _typed(backend: Backend, w: Tensor, u: Tensor, *sequences: Tensor) -> list[Tensor]:
    taken = taken_type(backend, sequences[0].dtype)
    computed = torch.promote_types(taken, torch.float32)
    return [w.to(computed), u.to(computed), *(x.to(taken) for x in sequences)]


def _fresh(result: Tensor, like: Tensor) -> Tensor:
    """The result in the type of an input and in memory of its own, contiguous: what the fake kernels promise."""
    return result.to(like.dtype).contiguous()
