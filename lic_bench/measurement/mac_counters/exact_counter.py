"""MACs of every convolution, matrix product and custom operator with a formula that runs.

The formulas are torch's, at operator level, and those that codecs register with `register_flop_formula`. They give
FLOPs, and a MAC is two of them: also where an operator, such as a recurrence, has no product followed by a sum. What
runs twice counts twice.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry, register_flop_formula

from lic_bench.measurement.mac_counters.mac_count import (
    KIND_OF_OPERATOR,
    TRANSPOSED,
    CountByPath,
    MacCount,
    sum_by_kind,
)

R = TypeVar("R")
# An operator that is neither a view nor listed here counts as arithmetic: the unknown is shown, not hidden.
CREATING = "arange empty eye fill full lift_fresh ones rand randn scalar_tensor zero zeros"
COPYING = "_local_scalar_dense _to_copy _unsafe_view cat clone copy repeat resize stack view"
READING = "gather im2col index index_select masked_fill masked_select nonzero where"
WRITING = "constant_pad_nd flip index_put _index_put_impl masked_scatter pixel_shuffle pixel_unshuffle roll scatter"
MASKING = "tril triu"
PADDING = "reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d"
MOVING = frozenset(" ".join((CREATING, COPYING, READING, WRITING, MASKING, PADDING)).split())
VARIANT = re.compile(r"^new_|(_like|_strided|_copy)?_?$")  # zeros_like, new_empty_strided, index_put_
IS_TRANSPOSED = 6  # the argument of aten::convolution
ATTENTION_ON_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def attention_flops(query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: Any, **__: Any) -> int:
    """FLOPs of attention by the shapes [..., tokens, width]: two matrix products, masked or not."""
    *batch, tokens, width = query
    return 2 * prod(batch) * tokens * key[-2] * (width + value[-1])


if ATTENTION_ON_CPU not in flop_registry:  # of some versions of torch, which have formulas for those of GPUs only
    register_flop_formula(ATTENTION_ON_CPU)(attention_flops)


class OperatorRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Adds up the FLOPs of operators by name, and counts the calls of those that compute but have no formula."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.flops: Counter[str] = Counter()
        self.uncounted: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator."""
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops[_name_of_call(func, args)] += formula(*args, **(kwargs or {}), out_val=out)
        elif not moves_only(func):
            self.uncounted[_operator_name(func)] += 1
        return out


def exact_counts(model: nn.Module, x: Tensor) -> CountByPath:
    """The counts of all three paths; encode and decode follow CompressAI's calling convention."""
    codec: Any = model  # nn.Module says nothing of compress and decompress

    @cache  # decoding needs what encoding returns
    def encode() -> tuple[MacCount, dict[str, Any]]:
        codec.update()  # no work if the entropy coder has its tables already
        return count_macs(lambda: codec.compress(x))

    def decode() -> MacCount:
        coded = encode()[1]
        return count_macs(lambda: codec.decompress(coded["strings"], coded["shape"]))[0]

    return {"forward": lambda: count_macs(lambda: codec(x))[0], "encode": lambda: encode()[0], "decode": decode}


def moves_only(func: Any) -> bool:
    """Whether an operator (torch's OpOverload) is a view, reads a property of a tensor, or is one of MOVING."""
    namespace, _, name = str(func.overloadpacket).partition(".")
    plain = VARIANT.sub("", name)
    return bool(func.is_view or namespace == "prim" or (namespace == "aten" and {name, plain} & MOVING))


@torch.no_grad()
def count_macs(work: Callable[[], R]) -> tuple[MacCount, R]:
    """The MACs of a call of `work`, and its result."""
    operators = OperatorRecorder()  # no inference_mode here: under it older torch counts nothing
    with operators, FlopCounterMode(display=False):  # the inner one takes composite operators apart
        result = work()
    macs = {name: flops / 2 for name, flops in operators.flops.items()}
    kinds = sum_by_kind(macs, KIND_OF_OPERATOR)
    return MacCount(sum(operators.flops.values()) // 2, kinds, dict(sorted(operators.uncounted.items()))), result


def _name_of_call(func: Any, args: Any) -> str:
    name = _operator_name(func)
    return TRANSPOSED if name == "aten.convolution" and args[IS_TRANSPOSED] else name


def _operator_name(func: Any) -> str:
    """ "aten.mul" for aten.mul.Tensor and aten.mul_.Scalar."""
    name = str(func.overloadpacket)
    return name if name.endswith("__") else name.removesuffix("_")
