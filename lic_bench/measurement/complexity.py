"""Multiply-accumulates and parameters of a network, by thop (the paper's way) and by torch's operator counter."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lic_bench.records import Complexity

Counter = Literal["thop", "exact"]


@runtime_checkable
class Reduced(Protocol):
    """A network that needs fewer values at inference than it has parameters, as after re-parameterisation."""

    def parameters_inference(self) -> int:
        """How many."""
        ...


def count(module: nn.Module, codec: str, quality: int, height: int, width: int) -> list[Complexity]:
    """One record per counter for the forward path of a 1 x 3 x height x width image.

    A counter that fails gives a failed record, the others stand. The module itself is left untouched.
    """
    parameters = sum(p.numel() for p in module.parameters())
    needed = module.parameters_inference() if isinstance(module, Reduced) else None
    rows = []
    for counter, fn in COUNTERS.items():
        try:
            macs, counted, uncounted = _on_copy(module, fn, height, width)
        except Exception as error:  # third-party counters fail in ways of their own
            message = f"{type(error).__name__}: {' '.join(str(error).split())}"
            rows += failed_count(
                codec, quality, height, width, error=message, counters=(counter,), parameters=parameters
            )
            continue
        rows.append(
            Complexity(
                codec=codec,
                quality=quality,
                width=width,
                height=height,
                counter=counter,
                path="forward",
                macs=macs,
                parameters=counted or parameters,
                parameters_inference=needed,
                uncounted_ops=uncounted,
            )
        )
    return rows


def failed_count(
    codec: str,
    quality: int,
    height: int,
    width: int,
    *,
    error: str,
    counters: Iterable[Counter] = ("thop", "exact"),
    parameters: int = 0,
) -> list[Complexity]:
    """The failed records of these counters."""
    common: dict[str, Any] = {"codec": codec, "quality": quality, "width": width, "height": height}
    common |= {"path": "forward", "macs": None, "parameters": parameters, "status": "failed", "error": error}
    return [Complexity(**common, counter=counter) for counter in counters]


Counted = tuple[int, int | None, dict[str, int]]


def _on_copy(module: nn.Module, fn: Callable[[nn.Module, torch.Tensor], Counted], height: int, width: int) -> Counted:
    model = copy.deepcopy(module)  # counters leave hooks and buffers behind
    reference = next(model.parameters())
    x = torch.zeros(1, 3, height, width, device=reference.device, dtype=reference.dtype)
    with torch.no_grad():
        return fn(model, x)


def _thop(model: nn.Module, x: torch.Tensor) -> Counted:
    """MACs and parameters as thop sees them: module by module, what it has no rule for counts as nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # thop compares versions by distutils
        from thop import profile
        from thop.profile import register_hooks

    with redirect_stdout(io.StringIO()):
        macs, parameters = profile(model, inputs=(x,), verbose=False)
    without = {type(m).__name__ for m in model.modules() if not list(m.children()) and type(m) not in register_hooks}
    uncounted = {name: sum(type(m).__name__ == name for m in model.modules()) for name in sorted(without)}
    return int(macs), int(parameters), uncounted


def _operators(model: nn.Module, x: torch.Tensor) -> Counted:
    """MACs of every convolution and matrix product that runs, wherever it is called from; half of torch's FLOPs."""
    with FlopCounterMode(display=False) as counter:
        model(x)
    return counter.get_total_flops() // 2, None, {}


COUNTERS: dict[Counter, Callable[[nn.Module, torch.Tensor], Counted]] = {"thop": _thop, "exact": _operators}
