"""Where Dask enters lic-bench in a worker: light, as it imports in the thread from which a worker answers."""

import pickle
import sys
from typing import Any


def call(name: str, arguments: bytes, *more: Any) -> Any:
    """What the function `name` of `bench` gives for these pickled arguments, and more that Dask brought along."""
    from lic_bench.codecs import lazy_compressai

    lazy_compressai.install_lazy_imports()
    from lic_bench.run.cluster import bench

    return getattr(bench, name)(*pickle.loads(arguments), *more)


async def make_way(run: str, folder: str) -> None:
    """As of `bench`, where a worker has that already. A coroutine, as nobody waits for it."""
    if bench := sys.modules.get("lic_bench.run.cluster.bench"):
        bench.make_way(run, folder)
