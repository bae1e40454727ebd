"""Multiply-accumulates and parameters of a network by three counters: thop, as papers do, fvcore and an exact one."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from statistics import fmean
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from lic_bench.codec import Bitstream, DecodeOnlyCodec
from lic_bench.errors import without_traceback
from lic_bench.measurement.failures import Failure, memory_errors_unified
from lic_bench.measurement.mac_counters.exact_counter import exact_counts
from lic_bench.measurement.mac_counters.fvcore_counter import fvcore_counts
from lic_bench.measurement.mac_counters.mac_count import CountByPath, MacCount, Path
from lic_bench.measurement.mac_counters.thop_counter import thop_counts
from lic_bench.store.records import Complexity

Counter = Literal["thop", "fvcore", "exact"]
CounterPath: TypeAlias = tuple[Counter, Path]

COUNTERS: dict[Counter, Callable[[nn.Module, Tensor], CountByPath]] = {
    "thop": thop_counts,
    "fvcore": fvcore_counts,
    "exact": exact_counts,
}
OF_DECODE_ONLY: tuple[CounterPath, ...] = (("exact", "decode"),)
ALL_COUNTS: tuple[CounterPath, ...] = (
    *(("thop", "forward"), ("fvcore", "forward")),
    *(("exact", "forward"), ("exact", "encode"), ("exact", "decode")),
)


def count_complexity(
    module: nn.Module, codec: str, quality: int, height: int, width: int, *, wanted: Iterable[CounterPath] = ALL_COUNTS
) -> list[Complexity]:
    """One record per counter and path in `wanted`, for a 1 x 3 x height x width image that needs no padding.

    A counter that fails gives failed records; those of the other counters stand. Counters work on a copy of the module
    that shares its parameters and has hooks, buffers and entropy tables of its own. A network that can be merged for
    inference says by a method parameters_inference() how many values that reads.
    """
    common: dict[str, Any] = {"codec": codec, "quality": quality, "height": height, "width": width}
    parameters = sum(p.numel() for p in module.parameters())
    inference = getattr(module, "parameters_inference", lambda: None)()
    records = []
    for (counter, path), result in _run_counters(module, height, width, wanted):
        if isinstance(result, Exception):
            fields = _failed_fields(Failure.of(result), parameters)
        else:
            fields = {"macs": result.macs, "macs_by_kind": result.by_kind, "uncounted_ops": result.uncounted}
            fields |= {"parameters": result.parameters or parameters, "parameters_inference": inference}
        records.append(Complexity(**common, counter=counter, path=path, **fields))
    return records


def count_decoding(
    decoder: DecodeOnlyCodec, streams: Sequence[Bitstream], codec: str, quality: int, height: int, width: int
) -> Complexity:
    """The mean of what decoding these bitstreams takes, each per pixel of its own picture, at height x width pixels."""
    costs = [decoder.cost(bits) for bits in streams]
    parts = {part for cost in costs for part in cost.macs}
    per_pixel = {part: fmean(cost.macs.get(part, 0) / cost.pixels for cost in costs) for part in sorted(parts)}
    by_kind = {part: round(height * width * macs) for part, macs in per_pixel.items()}
    return Complexity(
        codec=codec,
        quality=quality,
        height=height,
        width=width,
        counter="exact",
        path="decode",
        macs=sum(by_kind.values()),
        macs_by_kind=by_kind,
        parameters=round(fmean(cost.parameters for cost in costs)),
    )


def failed_complexity(
    codec: str, quality: int, height: int, width: int, failure: Failure, counts: Sequence[CounterPath] = ALL_COUNTS
) -> list[Complexity]:
    """One failed record per counter and path of `counts`, all with this error."""
    common: dict[str, Any] = {"codec": codec, "quality": quality, "height": height, "width": width}
    common |= _failed_fields(failure, parameters=0)
    return [Complexity(**common, counter=counter, path=path) for counter, path in counts]


def _failed_fields(failure: Failure, parameters: int) -> dict[str, Any]:
    error = {"status": "failed", "error": failure.message, "failure": failure.kind}
    return {"macs": None, "parameters": parameters, **error}


def _run_counters(
    module: nn.Module, height: int, width: int, wanted: Iterable[CounterPath]
) -> Iterator[tuple[CounterPath, MacCount | Exception]]:
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))

    @cache
    def prepare(counter: Counter) -> CountByPath:
        shared = {id(tensor): tensor for tensor in module.parameters()}
        model = copy.deepcopy(module, shared)  # counters leave hooks and buffers behind
        dtype = next(model.parameters()).dtype
        return COUNTERS[counter](model, torch.zeros(1, 3, height, width, device=device, dtype=dtype))

    for counter, path in wanted:
        result: MacCount | Exception
        try:
            with memory_errors_unified(device), torch.no_grad():
                result = prepare(counter)[path]()
        except Exception as error:  # third-party counters and networks fail in ways of their own
            result = without_traceback(error)
        yield (counter, path), result
