"""Multiply-accumulates and parameters of a network by three counters: thop, as papers do, fvcore and an exact one."""

import copy
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import torch
from torch import nn

from lic_bench.errors import without_traceback
from lic_bench.measurement.failures import Failure, memory_errors_unified
from lic_bench.measurement.mac_counters.exact_counter import exact_counts
from lic_bench.measurement.mac_counters.fvcore_counter import fvcore_counts
from lic_bench.measurement.mac_counters.mac_count import CountByPath, MacCount, MacCounter, Path
from lic_bench.measurement.mac_counters.thop_counter import thop_counts
from lic_bench.store.records import Complexity

Counter = Literal["thop", "fvcore", "exact"]
CounterPath: TypeAlias = tuple[Counter, Path]

COUNTERS: dict[Counter, MacCounter] = {"thop": thop_counts, "fvcore": fvcore_counts, "exact": exact_counts}
ALL_COUNTS: tuple[CounterPath, ...] = (
    *(("thop", "forward"), ("fvcore", "forward")),
    *(("exact", "forward"), ("exact", "encode"), ("exact", "decode")),
)


@runtime_checkable
class Reparameterised(Protocol):
    """A network that needs fewer values at inference than it has parameters, as after re-parameterisation."""

    def parameters_inference(self) -> int:
        """The number of values that inference reads."""
        ...


def count_complexity(
    module: nn.Module, codec: str, quality: int, height: int, width: int, *, wanted: Iterable[CounterPath] = ALL_COUNTS
) -> list[Complexity]:
    """One record per counter and path in `wanted`, for a 1 x 3 x height x width image that needs no padding.

    A counter that fails gives failed records; those of the other counters stand. Counters work on a copy of the module
    that shares its parameters and has hooks, buffers and entropy tables of its own.
    """
    parameters = sum(p.numel() for p in module.parameters())
    common: dict[str, Any] = {"codec": codec, "quality": quality, "height": height, "width": width}
    common["parameters_inference"] = module.parameters_inference() if isinstance(module, Reparameterised) else None
    records = []
    for pair, result in _run_counters(module, height, width, wanted):
        if isinstance(result, Exception):
            failure = Failure.of(result)
            records += failed_complexity(codec, quality, height, width, failure, wanted=(pair,), parameters=parameters)
            continue
        counts: dict[str, Any] = {
            "macs": result.macs,
            "parameters": result.parameters or parameters,
            "macs_by_kind": dict(result.by_kind),
        }
        records.append(Complexity(**common, counter=pair[0], path=pair[1], uncounted_ops=result.uncounted, **counts))
    return records


def failed_complexity(
    codec: str,
    quality: int,
    height: int,
    width: int,
    failure: Failure,
    *,
    wanted: Iterable[CounterPath] = ALL_COUNTS,
    parameters: int = 0,
) -> list[Complexity]:
    """One failed record per counter and path in `wanted`, all with this error."""
    common: dict[str, Any] = {"codec": codec, "quality": quality, "width": width, "height": height}
    common |= {"macs": None, "parameters": parameters, "status": "failed"}
    common |= {"error": failure.message, "failure": failure.kind}
    return [Complexity(**common, counter=counter, path=path) for counter, path in wanted]


def _run_counters(
    module: nn.Module, height: int, width: int, wanted: Iterable[CounterPath]
) -> Iterator[tuple[CounterPath, MacCount | Exception]]:
    prepared: dict[Counter, CountByPath] = {}
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    for counter, path in wanted:
        result: MacCount | Exception
        try:
            with memory_errors_unified(device):
                if counter not in prepared:
                    prepared[counter] = _prepare_counter(module, COUNTERS[counter], height, width)
                with torch.no_grad():
                    result = prepared[counter][path]()
        except Exception as error:  # third-party counters and networks fail in ways of their own
            result = without_traceback(error)
        yield (counter, path), result


def _prepare_counter(module: nn.Module, count: MacCounter, height: int, width: int) -> CountByPath:
    shared = {id(tensor): tensor for tensor in module.parameters()}
    model = copy.deepcopy(module, shared)  # counters leave hooks and buffers behind
    reference = next(model.parameters())
    return count(model, torch.zeros(1, 3, height, width, device=reference.device, dtype=reference.dtype))
