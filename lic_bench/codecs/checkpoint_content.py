"""What a weights file must hold, whatever network it is for: trained values, in no more memory than the file has."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lic_bench.codecs.weights import WRAPPERS, first_few, unwrapped

# Of a trained entropy model. Beyond them its tables, which are made from them, would take all memory.
LARGEST = {"quantiles": 10_000.0, "scale_table": 10_000.0}


def content_problem(content: Mapping[str, Any], file_bytes: int) -> str | None:
    """What is wrong with the content of a weights file, in words that follow its name; None for a good one.

    file_bytes: of the file, unpacked.
    """
    state = unwrapped(content)
    if any(isinstance(state.get(name), Mapping) for name in WRAPPERS):
        return "contains itself"
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        inside = [name for name, value in state.items() if isinstance(value, Mapping) and value]
        where = f" directly or under {', '.join(WRAPPERS)}, but something under {first_few(inside)}" if inside else ""
        return f"holds no weights{where}"
    if odd := next((name for name, value in tensors.items() if not _is_plain(value)), None):
        return f"holds {odd!r}, which is no plain tensor with its values in the file"
    storages = {value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in tensors.values()}
    several_times = sum(
        value.nbytes for value in tensors.values()
    )  # of a parameter under two names, or an expanded one
    if sum(storages.values()) > file_bytes or several_times > 2 * file_bytes:
        return "describes more values than it holds"
    return next(filter(None, map(_value_problem, tensors, tensors.values())), None)


def _is_plain(value: Tensor) -> bool:
    """Whether a tensor is dense and in memory, and its numbers are what it stores."""
    return value.layout == torch.strided and value.device.type == "cpu" and not value.is_quantized


def _value_problem(name: str, value: Tensor) -> str | None:
    """NaN is never trained; infinite are masks at most."""
    if not value.numel() or not value.is_floating_point() | value.is_complex():
        return None
    if value.isnan().any():
        return f"holds NaN in {name!r}"
    largest = LARGEST.get(name.rpartition(".")[2])
    if largest is not None and not value.is_complex() and (reach := value.abs().max().item()) > largest:
        return f"holds {reach:.3g} in {name!r}; allowed is up to {largest:g}"
    if name.endswith("scale_table") and not (value > 0).all():
        return f"holds {value.min().item():.3g} in {name!r}; allowed are scales above 0"
    return None
