"""MACs of every convolution, matrix product and custom operator with a formula that runs, wherever it is called from.

By torch's formulas at operator level, and by those that codecs register with `register_flop_formula`. A formula gives
FLOPs; a MAC is two of them. So an operator of additions, products and exponentials alone, as a recurrence, has half as
many MACs as operations, none of which need be a product followed by a sum. What runs twice counts twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry, register_flop_formula

from lic_bench.measurement.counters.counted import Counted, Paths
from lic_bench.measurement.counters.kinds import OPERATORS, TRANSPOSED, by_kind
from lic_bench.measurement.counters.movement import moves_only

R = TypeVar("R")
IS_TRANSPOSED = 6  # the argument of aten::convolution
ATTENTION_ON_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def attention_flop(query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: Any, **__: Any) -> int:
    """FLOPs of attention by the shapes [..., tokens, width]: two matrix products, masked or not."""
    *batch, tokens, width = query
    return 2 * prod(batch) * tokens * key[-2] * (width + value[-1])


if ATTENTION_ON_CPU not in flop_registry:  # of some versions of torch, which have formulas for those of GPUs only
    register_flop_formula(ATTENTION_ON_CPU)(attention_flop)


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Notes the FLOPs of operators by name, and the calls of those that compute something but have no formula."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.flops: Counter[str] = Counter()
        self.uncounted: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator."""
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops[_counted_name(func, args)] += formula(*args, **(kwargs or {}), out_val=out)
        elif not moves_only(func):
            self.uncounted[_name(func)] += 1
        return out


class Codec:
    """The paths of one network. Encoding is run when decoding needs it and it has not been counted."""

    def __init__(self, model: nn.Module, x: Tensor) -> None:
        self.model: Any = model  # nn.Module says nothing of compress and decompress
        self.x = x
        self._coded: dict[str, Any] | None = None

    def forward(self) -> Counted:
        """Of `forward(x)`: analysis and synthesis, every slice once."""
        return counted(lambda: self.model(self.x))[0]

    def encode(self) -> Counted:
        """Of `compress(x)`."""
        self._ready()
        found, self._coded = counted(lambda: self.model.compress(self.x))
        return found

    def decode(self) -> Counted:
        """Of `decompress(strings, shape)`."""
        self._ready()
        coded = self._coded or self.model.compress(self.x)
        return counted(lambda: self.model.decompress(coded["strings"], coded["shape"]))[0]

    def _ready(self) -> None:
        self.model.update()  # makes the entropy coder's tables where there are none


def paths(model: nn.Module, x: Tensor) -> Paths:
    """All three paths; encode and decode by CompressAI's calling convention."""
    codec = Codec(model, x)
    return {"forward": codec.forward, "encode": codec.encode, "decode": codec.decode}


@torch.no_grad()
def counted(work: Callable[[], R]) -> tuple[Counted, R]:
    """What runs in `work`, and its result. No inference_mode around it, under which older torch counts nothing."""
    operators = Operators()
    with operators, FlopCounterMode(display=False):  # the inner one takes composite operators apart
        result = work()
    macs = {name: flops / 2 for name, flops in operators.flops.items()}
    kinds = by_kind(macs, OPERATORS)
    return Counted(sum(operators.flops.values()) // 2, kinds, dict(sorted(operators.uncounted.items()))), result


def _counted_name(func: Any, args: Any) -> str:
    name = _name(func)
    transposed = name == "aten.convolution" and args[IS_TRANSPOSED]
    return TRANSPOSED if transposed else name


def _name(func: Any) -> str:
    """ "aten.mul" for aten.mul.Tensor and aten.mul_.Scalar."""
    name = str(func.overloadpacket)
    return name if name.endswith("__") else name.removesuffix("_")
