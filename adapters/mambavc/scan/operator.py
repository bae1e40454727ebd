"""The scan as a torch operator, mambavc::selective_scan, known to torch.compile, the meta device and FLOP counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.library import define, impl, register_autograd, register_fake
from torch.utils.flop_counter import register_flop_formula

from adapters.mambavc.scan import chunked, cpu, reference


@dataclass(frozen=True, slots=True)
class Backend:
    """One implementation of `reference.forward`, for float32 and float64."""

    forward: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
    devices: tuple[str, ...] = ()  # empty: all
    missing: Callable[[], str | None] = lambda: None  # why it cannot run here


BACKENDS = {
    "reference": Backend(reference.forward),
    "torch": Backend(chunked.forward),
    "cpu": Backend(cpu.forward, ("cpu",), cpu.KERNELS.missing),
}
# Per state dt A, its exponential, the decay of h, B times dt x, its sum with h, C times h and its sum over the states.
OPERATIONS_PER_STATE = 7
# Per channel dt's bias and softplus, dt x, D x, its sum with C h and the sum over directions.
OPERATIONS_PER_CHANNEL = 6


def choose_backend(device: str | torch.device) -> str:
    """The backend that "auto" means: the compiled kernels for the device, or "torch" where there are none."""
    return "cpu" if torch.device(device).type == "cpu" and cpu.KERNELS.missing() is None else "torch"


def kernels_on(device: str | torch.device) -> str:
    """What computes the scan on a device, so precisely that two of one name round alike."""
    name, kind = choose_backend(device), torch.device(device).type
    if kind == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        kind = f"sm_{major}{minor}"
    return name if name == kind else f"{name}-{kind}"


def find_backend(name: str, device: torch.device) -> Backend:
    """The backend of that name. Raises ValueError if there is none, RuntimeError if it cannot run on the device."""
    if name not in ("auto", *BACKENDS):
        raise ValueError(f"Unknown scan backend {name!r}. Known: auto, {', '.join(BACKENDS)}.")
    name = choose_backend(device) if name == "auto" else name
    backend = BACKENDS[name]
    if backend.devices and device.type not in backend.devices:
        raise RuntimeError(f"Scan backend {name!r} needs tensors on {' or '.join(backend.devices)}, not {device}.")
    if reason := backend.missing():
        raise RuntimeError(f"Scan backend {name!r} cannot be used: {reason}.")
    return backend


define(  # not by torch.library.custom_op, whose first call in a process imports torch's compiler: two seconds
    "mambavc::selective_scan",
    "(Tensor x, Tensor projected, Tensor dt_weight, Tensor dt_bias, Tensor a, Tensor d, str backend) -> Tensor",
)
selective_scan_op = torch.ops.mambavc.selective_scan.default  # `reference.forward` by the backend of a name


@impl("mambavc::selective_scan", "default")
def _scan(
    x: Tensor, projected: Tensor, dt_weight: Tensor, dt_bias: Tensor, a: Tensor, d: Tensor, backend: str
) -> Tensor:
    return find_backend(backend, x.device).forward(x, projected, dt_weight, dt_bias, a, d).contiguous()


@register_fake("mambavc::selective_scan")
def _(x: Tensor, projected: Tensor, dt_weight: Tensor, dt_bias: Tensor, a: Tensor, d: Tensor, backend: str) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _refuse(ctx: Any, *grads: Tensor) -> None:
    raise RuntimeError("The selective scan has no derivative: it is for inference.")


register_autograd("mambavc::selective_scan", _refuse)


@register_flop_formula(torch.ops.mambavc.selective_scan)
def _operations(x: Any, projected: Any, dt_weight: Any, dt_bias: Any, a: Any, *args: Any, **kwargs: Any) -> int:
    """Per pixel and direction, with D channels, N states and rank R of dt: D (2 R + 7 N + 6).

    x_proj is a matrix product of torch's, counted by torch.
    """
    batch, height, width, channels = x
    per_channel = 2 * dt_weight[2] + OPERATIONS_PER_STATE * a[2] + OPERATIONS_PER_CHANNEL
    return batch * height * width * 4 * channels * per_channel
