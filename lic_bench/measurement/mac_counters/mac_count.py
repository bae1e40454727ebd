"""What a counter of multiply-accumulates returns, and the kinds of operations by which counters are compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Path = Literal["forward", "encode", "decode"]

CONVOLUTION = "convolutions"
TRANSPOSED = "transposed convolutions"
PRODUCT = "matrix products"
ELEMENTWISE = "element-wise operations"  # normalisations, activations, pooling, resizing

KIND_OF_OPERATOR = {  # by the names that torch's FLOP counter uses
    "aten.convolution": CONVOLUTION,
    **{f"aten.{name}": PRODUCT for name in ("mm", "addmm", "bmm", "baddbmm", "_scaled_mm")},
    **{f"aten._scaled_dot_product_{name}": PRODUCT for name in ("efficient_attention", "cudnn_attention")},
    **{f"aten._scaled_dot_product_flash_attention{where}": PRODUCT for where in ("", "_for_cpu")},
}


@dataclass(frozen=True, slots=True)
class MacCount:
    """One path of a network by one counter.

    by_kind: the same MACs by kind of operation or by the name of a custom operator. uncounted: name -> calls for which
    the counter has no rule. parameters: how many the counter sees; None if it counts none.
    """

    macs: int
    by_kind: dict[str, int]
    uncounted: dict[str, int]
    parameters: int | None = None


CountByPath: TypeAlias = Mapping[Path, Callable[[], MacCount]]


def sum_by_kind(counts: Mapping[str, float], kinds: Mapping[str, str], default: str = "") -> dict[str, int]:
    """Sum the counts of each kind, zeros left out. A name without a kind goes to `default`, or stays as it is."""
    sums: dict[str, float] = {}
    for name, value in counts.items():
        kind = kinds.get(name, default or name)
        sums[kind] = sums.get(kind, 0) + value
    return {kind: int(value) for kind, value in sums.items() if value}
