"""The kinds of operations by which the counters are compared, whatever names they use. Free of torch."""

from collections.abc import Mapping

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


def sum_by_kind(counts: Mapping[str, float], kinds: Mapping[str, str], default: str = "") -> dict[str, int]:
    """Sum the counts of each kind, zeros left out. A name without a kind goes to `default`, or stays as it is."""
    sums: dict[str, float] = {}
    for name, value in counts.items():
        kind = kinds.get(name, default or name)
        sums[kind] = sums.get(kind, 0) + value
    return {kind: int(value) for kind, value in sums.items() if value}
