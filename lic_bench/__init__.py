"""lic-bench: the measuring bench for learned image compression.

One data path, in this order:

    image -> codec.compress -> Bitstream -> codec.decompress -> x_hat      codec.py, model_codec.py, padding.py
          -> measure -> Record -> Store.append                             measurement/, records.py, store.py
          -> load_run -> rd_points -> bd_rate -> figures, tables, page     store.py, bdrate.py, report/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lic_bench.codecs.loading import load_model as load_model

__version__ = "0.1.0"
__all__ = ["__version__", "load_model"]


def __getattr__(name: str) -> Any:
    if name == "load_model":  # importing lic_bench must stay free of torch
        from lic_bench.codecs.loading import load_model

        return load_model
    raise AttributeError(f"module 'lic_bench' has no attribute {name!r}")
