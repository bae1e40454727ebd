"""MACs and parameters by thop, as papers print them: module by module, by the module's class.

What is called as a function or is of a class without a rule counts as nothing, parameters included; a transposed
convolution is taken at its output's size, stride^2 times too often; a module registered twice is hooked twice and
added up twice. Of what has no rule, modules without children are named, and those that call convolutions, matrix
products or custom operators by themselves, with what they call: "GDN (convolutions)".
"""

from __future__ import annotations

import io
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from lic_bench.measurement.counters.counted import Counted, Paths
from lic_bench.measurement.counters.kinds import CONVOLUTION, ELEMENTWISE, OPERATORS, PRODUCT, TRANSPOSED, by_kind

KINDS = {
    **{f"Conv{n}d": CONVOLUTION for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": TRANSPOSED for n in (1, 2, 3)},
    **dict.fromkeys(("Linear", "RNNCell", "GRUCell", "LSTMCell", "RNN", "GRU", "LSTM"), PRODUCT),
}


def paths(model: nn.Module, x: Tensor) -> Paths:
    """The forward path; `model` keeps buffers of thop's if it fails."""
    return {"forward": lambda: _forward(model, x)}


def _forward(model: nn.Module, x: Tensor) -> Counted:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # thop compares versions by distutils
        from thop import profile
        from thop.profile import register_hooks

    callers = Callers(model)
    with redirect_stdout(io.StringIO()), callers:
        macs, parameters, layers = profile(model, inputs=(x,), verbose=False, ret_layer_info=True)
    classes = _by_class(model, layers)
    classes[type(model).__name__] += macs - sum(classes.values())  # a network that is one module
    without = callers.named(lambda module: type(module) not in (*register_hooks, nn.Identity))
    return Counted(int(macs), by_kind(classes, KINDS, ELEMENTWISE), without, int(parameters))


class Callers(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Notes how often each module of a network is called, and which kinds of operators with a formula it calls itself.

    Leaves hooks on the network.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._running = [network]
        self._calls: Counter[nn.Module] = Counter()
        self._kinds: defaultdict[nn.Module, set[str]] = defaultdict(set)
        for module in network.modules():
            module.register_forward_pre_hook(self._enter)
            module.register_forward_hook(self._leave)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator."""
        if func.overloadpacket in flop_registry:
            name = str(func.overloadpacket)
            self._kinds[self._running[-1]].add(OPERATORS.get(name, name))
        return func(*args, **(kwargs or {}))

    def named(self, wanted: Callable[[nn.Module], bool]) -> dict[str, int]:
        """Class -> calls, of those wanted that have no children or call such operators: these with the kinds."""
        names: Counter[str] = Counter()
        for module, calls in self._calls.items():
            if wanted(module) and (self._kinds[module] or not list(module.children())):
                kinds = f" ({', '.join(sorted(self._kinds[module]))})" if self._kinds[module] else ""
                names[type(module).__name__ + kinds] += calls
        return dict(sorted(names.items()))

    def _enter(self, module: nn.Module, _inputs: object) -> None:
        self._running.append(module)
        self._calls[module] += 1

    def _leave(self, _module: nn.Module, _inputs: object, _output: object) -> None:
        self._running.pop()


def _by_class(module: nn.Module, layers: dict[str, Any]) -> Counter[str]:
    """MACs by the class of the innermost modules. layers: thop's name -> (MACs, parameters, the same of children)."""
    found: Counter[str] = Counter()
    for name, child in module.named_children():
        macs, _, inner = layers[name]
        found += _by_class(child, inner) if inner else Counter({type(child).__name__: macs})
    return found
