"""Which of torch's operators compute no new values but create, copy, read or write memory."""

import re
from typing import Any

# An operator that is neither a view nor listed here counts as arithmetic: the unknown is shown, not hidden.
CREATING = "arange empty eye fill full lift_fresh ones rand randn scalar_tensor zero zeros"
COPYING = "_local_scalar_dense _to_copy _unsafe_view cat clone copy repeat resize stack view"
READING = "gather im2col index index_select masked_fill masked_select nonzero where"
WRITING = "constant_pad_nd flip index_put _index_put_impl masked_scatter pixel_shuffle pixel_unshuffle roll scatter"
MASKING = "tril triu"
PADDING = "reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d"
MOVING = frozenset(" ".join((CREATING, COPYING, READING, WRITING, MASKING, PADDING)).split())
VARIANT = re.compile(r"^new_|(_like|_strided|_copy)?_?$")  # zeros_like, new_empty_strided, index_put_


def moves_only(func: Any) -> bool:
    """Whether an operator (torch's OpOverload) is a view, reads a property of a tensor, or is one of MOVING."""
    namespace, _, name = str(func.overloadpacket).partition(".")
    plain = VARIANT.sub("", name)
    return bool(func.is_view or namespace == "prim" or (namespace == "aten" and {name, plain} & MOVING))
