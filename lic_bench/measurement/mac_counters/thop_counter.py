"""MACs and parameters by thop, as papers print them: module by module, by the module's class.

Functions, and modules of a class without a rule, count as nothing, parameters included. A transposed convolution is
counted at its output's size, stride^2 times too often; a module that is registered twice is added up twice. Of the
modules without a rule, those are named that have no children, and those that call convolutions, matrix products or
custom operators themselves, with what they call: "GDN (convolutions)".
"""

import io
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from lic_bench.measurement.mac_counters.mac_count import (
    CONVOLUTION,
    ELEMENTWISE,
    KIND_OF_OPERATOR,
    PRODUCT,
    TRANSPOSED,
    CountByPath,
    MacCount,
    sum_by_kind,
)

KINDS = {
    **{f"Conv{n}d": CONVOLUTION for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": TRANSPOSED for n in (1, 2, 3)},
    **dict.fromkeys(("Linear", "RNNCell", "GRUCell", "LSTMCell", "RNN", "GRU", "LSTM"), PRODUCT),
}


def thop_counts(model: nn.Module, x: Tensor) -> CountByPath:
    """The count of the forward path. A network that fails keeps thop's buffers."""
    return {"forward": lambda: _forward(model, x)}


def _forward(model: nn.Module, x: Tensor) -> MacCount:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # thop compares versions by distutils
        from thop import profile
        from thop.profile import register_hooks

    recorder = CallRecorder(model)
    with redirect_stdout(io.StringIO()), recorder:
        macs, parameters, layers = profile(model, inputs=(x,), verbose=False, ret_layer_info=True)
    by_class = _by_class(model, layers)
    by_class[type(model).__name__] += macs - sum(by_class.values())  # a network that is one module
    uncounted = recorder.calls_by_class(lambda module: type(module) not in (*register_hooks, nn.Identity))
    return MacCount(int(macs), sum_by_kind(by_class, KINDS, ELEMENTWISE), uncounted, int(parameters))


class CallRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Counts the calls of each module of a network, and records which operators with a formula it calls itself.

    Its hooks stay on the network.
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
            self._kinds[self._running[-1]].add(KIND_OF_OPERATOR.get(name, name))
        return func(*args, **(kwargs or {}))

    def calls_by_class(self, wanted: Callable[[nn.Module], bool]) -> dict[str, int]:
        """Class -> calls of the wanted modules that have no children or call operators themselves.

        The names of the latter say which kinds of operators they call.
        """
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
    macs_by_class: Counter[str] = Counter()
    for name, child in module.named_children():
        macs, _, inner = layers[name]
        macs_by_class += _by_class(child, inner) if inner else Counter({type(child).__name__: macs})
    return macs_by_class
