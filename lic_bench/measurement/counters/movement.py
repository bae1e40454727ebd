"""Operators that compute no new values: they make, copy, pick and place what is in memory."""

from __future__ import annotations

import re
from typing import Any

# What is neither a view nor named here counts as arithmetic: an operator unknown here is shown, not hidden.
MAKES = "arange empty eye fill full lift_fresh ones rand randn scalar_tensor zero zeros"
COPIES = "_local_scalar_dense _to_copy _unsafe_view cat clone copy repeat resize stack view"
PICKS = "gather im2col index index_select masked_fill masked_select nonzero where"
PLACES = "constant_pad_nd flip index_put _index_put_impl masked_scatter pixel_shuffle pixel_unshuffle roll scatter"
MASKS = "tril triu"
PADS = "reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d"
MOVES = frozenset(" ".join((MAKES, COPIES, PICKS, PLACES, MASKS, PADS)).split())
VARIANT = re.compile(r"^new_|(_like|_strided|_copy)?_?$")  # zeros_like, new_empty_strided, index_put_


def moves_only(func: Any) -> bool:
    """Whether an operator (torch's OpOverload) is a view, a question about a tensor, or one of MOVES."""
    namespace, _, name = str(func.overloadpacket).partition(".")
    plain = VARIANT.sub("", name)
    return bool(func.is_view or namespace == "prim" or (namespace == "aten" and {name, plain} & MOVES))
