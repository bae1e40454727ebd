"""Importing CompressAI without what only training and point clouds need, which takes most of the import's time.

`import compressai` also imports torchvision, torch_geometric and torch's compiler, for data sets and a table of
transforms that no network needs, and scipy.stats for one quantile. Only the command line's processes do this, not the
library.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

LAZY_MODULES = frozenset(f"compressai.{name}" for name in ("datasets", "losses", "optimizers", "transforms"))
TRANSFORM_TABLE = "compressai.registry.transforms"
ENTROPY_MODELS = "compressai.entropy_models.entropy_models"


def install_lazy_imports() -> None:
    """Make CompressAI import its data sets, losses, optimisers and transforms when they are first used.

    Its table of transforms then holds only those that have been used; scipy.stats it never imports. No effect once
    CompressAI is imported.
    """
    warnings.filterwarnings("ignore", message="`torch.jit.script`")  # from those imports; no user can act on it
    if "compressai" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == TRANSFORM_TABLE:
            return ModuleSpec(name, _EmptyTable())
        if name not in LAZY_MODULES | {ENTROPY_MODELS}:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            spec.loader = _EntropyModels(spec.loader) if name == ENTROPY_MODELS else _OnFirstUse(spec.loader)
        return spec


class _OnFirstUse(Loader):
    """Loads a module when one of its names is used. importlib's own does so whenever torch registers an operator.

    For that asks all modules for their `__file__`.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        def load(name: str) -> Any:
            if name.startswith("__") and name != "__all__":
                raise AttributeError(name)
            del module.__dict__["__getattr__"]
            self._loader.exec_module(module)
            return getattr(module, name)

        module.__dict__["__getattr__"] = load


class _EntropyModels(Loader):
    """Loads CompressAI's entropy models without scipy.stats, with the function that its `norm.ppf` calls."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        from scipy.special import ndtri

        statistics = sys.modules.get("scipy.stats")
        sys.modules["scipy.stats"] = statistics or ModuleType("scipy.stats")
        self._loader.exec_module(module)
        if statistics is None:
            del sys.modules["scipy.stats"]
        module.GaussianConditional._standardized_quantile = staticmethod(ndtri)


class _EmptyTable(Loader):
    """Loads a module with the two names of CompressAI's and an empty table."""

    def exec_module(self, module: ModuleType) -> None:
        transforms: dict[str, Any] = {}

        def register_transform(name: str) -> Callable[[Any], Any]:
            return lambda transform: transforms.setdefault(name, transform)

        module.__dict__.update(TRANSFORMS=transforms, register_transform=register_transform)
