"""Symbols that CompressAI's entropy coder would code for ever are a failure, whichever network hands them over.

A value without a code of its own is written in steps of 4 bits until nothing is left of it; of one that needs 32 bits
something is always left, and the loop in C++ hears no signal. NaN and infinity become such values when rounded.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps

from compressai import ans

from lic_bench.codecs.coded_symbols import replaced_methods
from lic_bench.measurement.failures import CodecFailure

LARGEST = 2**26  # of a symbol's magnitude, far from both: a latent, and what needs 32 bits
ENCODERS = (ans.RansEncoder, ans.BufferedRansEncoder)


@contextmanager
def checked_symbols() -> Iterator[None]:
    """Inside, each symbol is looked at before the coder gets it. Raises CodecFailure for one that is too large.

    That takes some milliseconds per image, so it is for the first time that an image is coded, not for what is timed.
    """
    with replaced_methods({(encoder, "encode_with_indexes"): _checked for encoder in ENCODERS}):
        yield


def _checked(encode: Callable[..., bytes]) -> Callable[..., bytes]:
    @wraps(encode)
    def checked(encoder: object, symbols: Sequence[int], *arguments: object, **named: object) -> bytes:
        for symbol in (min(symbols, default=0), max(symbols, default=0)):
            if abs(symbol) > LARGEST:
                raise CodecFailure(f"the codec gives NaN or infinite values: {symbol} in its latent")
        return encode(encoder, symbols, *arguments, **named)

    return checked
