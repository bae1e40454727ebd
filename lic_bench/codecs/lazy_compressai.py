"""Importing CompressAI without what only training and point clouds need, which takes most of the import's time.

`import compressai` also imports torchvision, torch_geometric and torch's compiler, for data sets and a table of
transforms that no network needs. Only the command line's processes do this, not the library.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

LAZY_MODULES = frozenset(f"compressai.{name}" for name in ("datasets", "losses", "optimizers", "transforms"))
TRANSFORM_TABLE = "compressai.registry.transforms"


def install_lazy_imports() -> None:
    """Make CompressAI import its data sets, losses, optimisers and transforms when they are first used.

    Its table of transforms then holds only those that have been used. No effect once CompressAI is imported.
    """
    warnings.filterwarnings("ignore", message="`torch.jit.script`")  # from those imports; no user can act on it
    if "compressai" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == TRANSFORM_TABLE:
            return ModuleSpec(name, _EmptyTable())
        spec = PathFinder.find_spec(name, path, target) if name in LAZY_MODULES else None
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec


class _EmptyTable(Loader):
    """Loads a module with the two names of CompressAI's and an empty table."""

    def exec_module(self, module: ModuleType) -> None:
        transforms: dict[str, Any] = {}

        def register_transform(name: str) -> Callable[[Any], Any]:
            return lambda transform: transforms.setdefault(name, transform)

        module.__dict__.update(TRANSFORMS=transforms, register_transform=register_transform)
