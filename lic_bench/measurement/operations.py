"""Multiply-accumulates and parameters of a network by three counters: thop, as papers do, fvcore and an exact one."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import torch
from torch import nn

from lic_bench.errors import without_traceback
from lic_bench.measurement.counters import exact, fvcore, thop
from lic_bench.measurement.counters.counted import Counted, Counting, Path, Paths
from lic_bench.measurement.failures import exhaustion_told, is_out_of_memory
from lic_bench.store.records import Complexity

Counter = Literal["thop", "fvcore", "exact"]
Wanted: TypeAlias = tuple[Counter, Path]

COUNTERS: dict[Counter, Counting] = {"thop": thop.paths, "fvcore": fvcore.paths, "exact": exact.paths}
WANTED: tuple[Wanted, ...] = (
    *(("thop", "forward"), ("fvcore", "forward")),
    *(("exact", "forward"), ("exact", "encode"), ("exact", "decode")),
)


@runtime_checkable
class Reduced(Protocol):
    """A network that needs fewer values at inference than it has parameters, as after re-parameterisation."""

    def parameters_inference(self) -> int:
        """How many."""
        ...


def count(
    module: nn.Module, codec: str, quality: int, height: int, width: int, *, wanted: Iterable[Wanted] = WANTED
) -> list[Complexity]:
    """One record per counter and path in `wanted`, for a 1 x 3 x height x width image that needs no padding.

    A counter that fails gives failed records, the others stand. Counters work on a copy without weights of its own: it
    shares the module's parameters, while hooks, buffers and entropy tables are the copy's.
    """
    parameters = sum(p.numel() for p in module.parameters())
    common: dict[str, Any] = {"codec": codec, "quality": quality, "height": height, "width": width}
    common["parameters_inference"] = module.parameters_inference() if isinstance(module, Reduced) else None
    rows = []
    for pair, found in _counted(module, height, width, wanted):
        if isinstance(found, Exception):
            rows += failed_count(
                codec, quality, height, width, error=_message(found), wanted=(pair,), parameters=parameters
            )
            continue
        seen: dict[str, Any] = {
            "macs": found.macs,
            "parameters": found.parameters or parameters,
            "macs_by_kind": dict(found.by_kind),
        }
        rows.append(Complexity(**common, counter=pair[0], path=pair[1], uncounted_ops=found.uncounted, **seen))
    return rows


def failed_count(
    codec: str,
    quality: int,
    height: int,
    width: int,
    *,
    error: str,
    wanted: Iterable[Wanted] = WANTED,
    parameters: int = 0,
) -> list[Complexity]:
    """The failed records of these counters and paths."""
    common: dict[str, Any] = {"codec": codec, "quality": quality, "width": width, "height": height}
    common |= {"macs": None, "parameters": parameters, "status": "failed", "error": error}
    return [Complexity(**common, counter=counter, path=path) for counter, path in wanted]


def _message(error: Exception) -> str:
    """In one line; begins as the errors of records do where memory ran out, see lic_bench.run.codec_worker."""
    text = " ".join(str(error).split()) or type(error).__name__
    return f"{'out of memory' if is_out_of_memory(error) else type(error).__name__}: {text}"[:500]


def _counted(
    module: nn.Module, height: int, width: int, wanted: Iterable[Wanted]
) -> Iterator[tuple[Wanted, Counted | Exception]]:
    prepared: dict[Counter, Paths] = {}
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    for counter, path in wanted:
        found: Counted | Exception
        try:
            with exhaustion_told(device):
                if counter not in prepared:
                    prepared[counter] = _prepared(module, COUNTERS[counter], height, width)
                with torch.no_grad():
                    found = prepared[counter][path]()
        except Exception as error:  # third-party counters and networks fail in ways of their own
            found = without_traceback(error)
        yield (counter, path), found


def _prepared(module: nn.Module, counting: Counting, height: int, width: int) -> Paths:
    shared = {id(tensor): tensor for tensor in module.parameters()}
    model = copy.deepcopy(module, shared)  # counters leave hooks and buffers behind
    reference = next(model.parameters())
    return counting(model, torch.zeros(1, 3, height, width, device=reference.device, dtype=reference.dtype))
