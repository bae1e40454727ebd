"""lic-bench: the measuring bench for learned image compression.

One data path, in this order, and where its code is:

    image -> codec.compress -> Bitstream -> codec.decompress -> x_hat     images/, codec.py, codecs/
          -> timed in rounds -> Record -> RecordLog.append                run/, measurement/, store/
          -> Run -> rd_points -> bd_rate -> tables, figures, page         store/, rate_distortion/, report/
"""

TYPE_CHECKING = False  # as typing's; importing that takes long, and signals are heeded only after this
if TYPE_CHECKING:
    from lic_bench.codecs.loading import load_model as load_model

__version__ = "0.1.0"
__all__ = ["__version__", "load_model"]


def __getattr__(name: str) -> object:
    if name == "load_model":  # importing lic_bench must stay free of torch
        from lic_bench.codecs.loading import load_model

        return load_model
    raise AttributeError(f"module 'lic_bench' has no attribute {name!r}")
