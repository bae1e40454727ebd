"""Reading checkpoints into CompressAI's networks: unwrapped, renamed, and then strictly every key and shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

WRAPPERS = ("state_dict", "model_state_dict", "model")

Rename = tuple[re.Pattern[str], str]
Hint = Callable[[Mapping[str, Tensor]], str]

# CompressAI's entropy bottleneck before 1.2.5, and the prefix of torch.nn.DataParallel.
OLD_NAMES: tuple[Rename, ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^(module\.)+", ""),
        (r"\._matrix(\d)$", r".matrices.\1"),
        (r"\._bias(\d)$", r".biases.\1"),
        (r"\._factor(\d)$", r".factors.\1"),
    )
)

# Tables, masks and bounds: made from the weights or constant, so the module has them whatever the file holds.
DERIVED = re.compile(
    r"\.(_offset|_quantized_cdf|_cdf_length|scale_table|scale_bound|target|mask|bound|pedestal|relative_position_index"
    r"|_indexes_table|_prior_mean|_prior_scale)$"
)


def renames(*pairs: tuple[str, str]) -> tuple[Rename, ...]:
    """Compiled (pattern, replacement) pairs; all are applied, in order, to every key."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


def own_state(state: Mapping[str, Any], names: Sequence[Rename] = ()) -> dict[str, Tensor]:
    """The parameters of a checkpoint under CompressAI's present names; a key that has them passes unchanged.

    Raises ValueError where two keys get the same name, or an entry is no tensor of finite real numbers.
    """
    while inner := next((state[name] for name in WRAPPERS if isinstance(state.get(name), Mapping)), None):
        state = inner
    own: dict[str, Tensor] = {}
    for key, value in state.items():
        name = key
        for pattern, replacement in (*OLD_NAMES, *names):
            name = pattern.sub(replacement, name)
        if DERIVED.search(name):
            continue
        if not isinstance(value, Tensor):
            raise ValueError(f"entry {key!r} is a {type(value).__name__}, not a tensor.")
        if not value.is_floating_point() or not value.isfinite().all():
            raise ValueError(f"entry {key!r} ({value.dtype}) is not of finite real numbers; get the file again.")
        if name in own:
            raise ValueError(f"{name} is there twice, under its old and its new name.")
        own[name] = value
    return own


def load_strictly(module: nn.Module, own: Mapping[str, Tensor], hint: Hint) -> None:
    """Copy `own` into the parameters of `module`; a float64 state makes the module float64.

    hint: what `own` likely is, in words, where it does not fit.
    Raises ValueError for a missing key, an extra key or another shape, naming the first three.
    """
    wanted = dict(module.named_parameters())
    complaints = {
        "missing": [name for name in wanted if name not in own],
        "extra": [name for name in own if name not in wanted],
        "of another shape": [
            f"{name} {list(own[name].shape)} instead of {list(parameter.shape)}"
            for name, parameter in wanted.items()
            if name in own and own[name].shape != parameter.shape
        ],
    }
    found = [f"{len(items)} {what}: {_few(items)}" for what, items in complaints.items() if items]
    if found:
        raise ValueError(f"keys do not fit, {'; '.join(found)}. Likely cause: {hint(own)}.")
    if any(value.dtype == torch.float64 for value in own.values()):
        module.double()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(own[name])


def _few(items: Sequence[str], count: int = 3) -> str:
    return ", ".join(items[:count]) + (f" and {len(items) - count} more" if len(items) > count else "")
