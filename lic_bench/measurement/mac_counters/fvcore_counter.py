"""MACs by fvcore, which calls them flops: operators of a traced graph, composite ones such as linear and matmul whole.

Tracing runs the network once and follows the branches that this run takes.
"""

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from lic_bench.measurement.mac_counters.mac_count import (
    CONVOLUTION,
    ELEMENTWISE,
    PRODUCT,
    TRANSPOSED,
    CountByPath,
    MacCount,
    sum_by_kind,
)

KINDS = {
    **{kind: kind for kind in (CONVOLUTION, TRANSPOSED)},
    **dict.fromkeys(("addmm", "bmm", "einsum", "matmul", "mm", "linear"), PRODUCT),
}
LOGICAL = (torch.Tensor.__and__, torch.Tensor.__or__, torch.Tensor.__xor__)
IS_TRANSPOSED = 6  # the argument of aten::_convolution


class TensorsOnly(nn.Module):
    """A network that returns a tuple of tensors, as tracing needs it, however nested its own results are."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """x [B, 3, H, W]."""
        return tuple(leaf for leaf in tree_leaves(self.network(x)) if isinstance(leaf, Tensor))


class BooleansAsTensors(TorchFunctionMode):
    """Turns the bool of `mask & True` into a tensor: the tracer has no operator for a tensor and a bool."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the function."""
        if func in LOGICAL:
            args = [torch.tensor(value) if isinstance(value, bool) else value for value in args]
        return func(*args, **(kwargs or {}))


def fvcore_counts(model: nn.Module, x: Tensor) -> CountByPath:
    """The count of the forward path."""
    return {"forward": lambda: _forward(model, x)}


def _forward(model: nn.Module, x: Tensor) -> MacCount:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fvcore is older than the torch that it traces with
        from fvcore.nn import FlopCountAnalysis
        from fvcore.nn.jit_handles import conv_flop_jit

        def convolution(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
            name = TRANSPOSED if inputs[IS_TRANSPOSED].toIValue() else CONVOLUTION
            return Counter({name: sum(conv_flop_jit(inputs, outputs).values())})

        analysis = FlopCountAnalysis(TensorsOnly(model).eval(), x).set_op_handle("aten::_convolution", convolution)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        with BooleansAsTensors():
            counts = sum_by_kind(analysis.by_operator(), KINDS, ELEMENTWISE)
        uncounted = dict(sorted(analysis.unsupported_ops().items()))
        uncounted |= Counter(sorted(_uncalled(model, analysis.uncalled_modules())))
    return MacCount(sum(counts.values()), counts, uncounted)


def _uncalled(model: nn.Module, names: set[str]) -> Iterator[str]:
    """The modules with parameters of their own that were not called: unused, or read by other modules."""
    for name, module in model.named_modules():
        has_parameters = any(True for _ in module.parameters(recurse=False))
        if has_parameters and f"network.{name}" in names and type(module).forward is not nn.Module.forward:
            yield f"module {type(module).__name__}, not called"
