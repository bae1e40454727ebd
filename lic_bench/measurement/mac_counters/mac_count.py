"""The types of a counter of multiply-accumulates and of what it returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor, nn

Path = Literal["forward", "encode", "decode"]


@dataclass(frozen=True, slots=True)
class MacCount:
    """One path of a network by one counter.

    by_kind: the same MACs by kind of operation (operation_kinds.py) or by the name of a custom operator. uncounted:
    name -> calls for which the counter has no rule. parameters: how many the counter sees; None if it counts none.
    """

    macs: int
    by_kind: dict[str, int]
    uncounted: dict[str, int]
    parameters: int | None = None


CountByPath: TypeAlias = Mapping[Path, Callable[[], MacCount]]
MacCounter: TypeAlias = Callable[[nn.Module, Tensor], CountByPath]
