"""Import CompressAI without what only training and point clouds need, which is most of the time its import takes.

`import compressai` brings torchvision, torch_geometric and with them torch's compiler, for a table of transforms by
name and for data sets; no network needs them. For processes of the command line, not for users of the library.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

LATER = frozenset(f"compressai.{name}" for name in ("datasets", "losses", "optimizers", "transforms"))
TABLE = "compressai.registry.transforms"


def install_lazy_imports() -> None:
    """From now on CompressAI's data sets, losses, optimisers and transforms are imported when first used.

    Its table of transforms then has its own ones only, once they are used. No effect where CompressAI is imported.
    """
    warnings.filterwarnings("ignore", message="`torch.jit.script`")  # of those imports; nobody here can act on it
    if "compressai" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == TABLE:
            return ModuleSpec(name, _Table())
        spec = PathFinder.find_spec(name, path, target) if name in LATER else None
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec


class _Table(Loader):
    """Gives a module with the two names of CompressAI's, the table empty."""

    def exec_module(self, module: ModuleType) -> None:
        found: dict[str, Any] = {}

        def register_transform(name: str) -> Callable[[Any], Any]:
            return lambda transform: found.setdefault(name, transform)

        module.__dict__.update(TRANSFORMS=found, register_transform=register_transform)
