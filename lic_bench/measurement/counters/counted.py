"""What a counter returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor, nn

Path = Literal["forward", "encode", "decode"]


@dataclass(frozen=True, slots=True)
class Counted:
    """One path of a network by one counter.

    by_kind: the same MACs by the kinds of kinds.py or by a custom operator's name. uncounted: name -> calls that got
    no cost. parameters: those the counter sees; None: it leaves them to others.
    """

    macs: int
    by_kind: dict[str, int]
    uncounted: dict[str, int]
    parameters: int | None = None


Paths: TypeAlias = Mapping[Path, Callable[[], Counted]]
Counting: TypeAlias = Callable[[nn.Module, Tensor], Paths]
