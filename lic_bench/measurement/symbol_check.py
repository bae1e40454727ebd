"""Before symbols reach an entropy coder: those that no latent has are a failure, whichever network hands them over.

NaN and infinity become such symbols when rounded. CompressAI's coder would code them for ever: a value without a code
of its own is written in steps of 4 bits until nothing is left of it; of one that needs 32 bits something is always
left, and the loop in C++ hears no signal.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from compressai import ans
from torch import Tensor

from lic_bench.codecs import rans
from lic_bench.codecs.coded_symbols import replaced_methods
from lic_bench.measurement.failures import CodecFailure

LARGEST = 2**26  # of a symbol's magnitude, far from both: a latent, and what needs 32 bits
ENCODERS = {  # and the method that takes symbols -> whose coder it is
    (ans.RansEncoder, "encode_with_indexes"): "compressai",
    (ans.BufferedRansEncoder, "encode_with_indexes"): "compressai",
    (rans.Encoder, "put"): "native",
}


@contextmanager
def checked_symbols() -> Iterator[set[str]]:
    """Inside, each symbol is looked at before a coder gets it. Raises CodecFailure for one that is too large.

    Gives the names of the coders that got some. That takes some milliseconds per image, so it is for the first time
    that an image is coded, not for what is timed.
    """
    seen: set[str] = set()
    with replaced_methods({method: partial(_checked, seen, coder) for method, coder in ENCODERS.items()}):
        yield seen


def entropy_coder_field(coders: set[str]) -> dict[str, str]:
    """The field of a record for the coders that were seen at work: "rans (native)"; {} where none was."""
    return {"entropy_coder": f"rans ({' and '.join(sorted(coders))})"} if coders else {}


def _checked(seen: set[str], coder: str, encode: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(encode)
    def checked(encoder: object, symbols: Sequence[int] | Tensor, *arguments: object, **named: object) -> Any:
        seen.add(coder)
        for symbol in _extremes(symbols):
            if abs(symbol) > LARGEST:
                raise CodecFailure(f"the codec gives NaN or infinite values: {symbol} in its latent")
        return encode(encoder, symbols, *arguments, **named)

    return checked


def _extremes(symbols: Sequence[int] | Tensor) -> tuple[int, int]:
    if isinstance(symbols, Tensor):
        low, high = symbols.aminmax() if symbols.numel() else (0, 0)
        return int(low), int(high)
    return min(symbols, default=0), max(symbols, default=0)
