"""The kinds of arithmetic by which counters are compared, whatever each of them calls its operators. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping

CONVOLUTION = "convolutions"
TRANSPOSED = "transposed convolutions"
PRODUCT = "matrix products"
ELEMENTWISE = "element-wise operations"  # normalisations, activations, pooling, resizing

OPERATORS = {  # torch's, as its FLOP counter names them
    "aten.convolution": CONVOLUTION,
    **{f"aten.{name}": PRODUCT for name in ("mm", "addmm", "bmm", "baddbmm", "_scaled_mm")},
    **{f"aten._scaled_dot_product_{name}": PRODUCT for name in ("efficient_attention", "cudnn_attention")},
    **{f"aten._scaled_dot_product_flash_attention{where}": PRODUCT for where in ("", "_for_cpu")},
}


def by_kind(counts: Mapping[str, float], kinds: Mapping[str, str], default: str = "") -> dict[str, int]:
    """Counts by name added up by kind; names that have none keep their own, or go to `default`. Zeros are left out."""
    found: dict[str, float] = {}
    for name, value in counts.items():
        kind = kinds.get(name, default or name)
        found[kind] = found.get(kind, 0) + value
    return {kind: int(value) for kind, value in found.items() if value}
