"""What a network's transforms gave while it coded, so that checking the decode need not compute the same again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

TRANSFORMS = frozenset(("g_a", "h_a", "h_s", "h_mean_s", "h_scale_s", "g_s"))  # by the last part of their names

Forward = Callable[..., Any]


class TransformCache:
    """Inputs and outputs of the transforms of one codec's instances.

    A kept output stands for a later call only where that would compute the same: the input is equal, and so is every
    parameter and buffer of the transform, which may be another instance's. An encoder's side that takes its image from
    the decoder's g_s has thus shown that both came to the same y_hat; where they did not, it computes its own. Only
    calls with one tensor that give one are kept.
    """

    def __init__(self) -> None:
        self._kept: dict[str, list[tuple[nn.Module, Tensor, Tensor]]] = {}

    @contextmanager
    def keep(self, network: nn.Module) -> Iterator[None]:
        """Keep what the transforms of `network` are called with and give."""

        def kept(name: str, part: nn.Module, forward: Forward) -> Forward:
            def call(*inputs: Any, **options: Any) -> Any:
                plain = len(inputs) == 1 and not options and isinstance(inputs[0], Tensor)
                given = inputs[0].clone() if plain else None  # before anybody writes into it
                out = forward(*inputs, **options)
                if given is not None and isinstance(out, Tensor):
                    self._kept.setdefault(name, []).append((part, given, out.clone()))
                return out

            return call

        with _replaced(network, kept):
            yield

    @contextmanager
    def give(self, network: nn.Module) -> Iterator[None]:
        """Let the transforms of `network` give what was kept, where it is what they would compute."""

        def given(name: str, part: nn.Module, forward: Forward) -> Forward:
            def call(*inputs: Any, **options: Any) -> Any:
                if len(inputs) == 1 and not options:
                    for other, known, out in self._kept.get(name, ()):
                        if _same(inputs[0], known) and _alike(part, other):
                            return out.clone()
                return forward(*inputs, **options)

            return call

        with _replaced(network, given):
            yield


@contextmanager
def _replaced(network: nn.Module, wrap: Callable[[str, nn.Module, Forward], Forward]) -> Iterator[None]:
    """The transforms of the network with `forward` wrapped."""
    parts = {name: part for name, part in network.named_modules() if name.rpartition(".")[2] in TRANSFORMS}
    before = {name: part.__dict__.get("forward") for name, part in parts.items()}
    try:
        for name, part in parts.items():
            part.__dict__["forward"] = wrap(name, part, part.forward)
        yield
    finally:
        for name, part in parts.items():
            if before[name] is None:
                part.__dict__.pop("forward", None)
            else:
                part.__dict__["forward"] = before[name]


def _same(one: Any, other: Tensor) -> bool:
    """Whether these are tensors of one type, shape and content, in whatever memory layout; NaN is like nothing."""
    return (
        isinstance(one, Tensor)
        and (one.dtype, one.device, one.shape) == (other.dtype, other.device, other.shape)
        and torch.equal(one, other)
    )


def _alike(part: nn.Module, other: nn.Module) -> bool:
    """Whether two transforms compute the same: the same object, or equal in structure and in every tensor."""
    if part is other:
        return True
    one, two = _tensors(part), _tensors(other)
    return str(part) == str(other) and one.keys() == two.keys() and all(_same(one[name], two[name]) for name in one)


def _tensors(part: nn.Module) -> dict[str, Tensor]:
    return dict(part.named_parameters()) | dict(part.named_buffers())
