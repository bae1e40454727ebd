"""Digests of the symbols of each coding pass, to find the first pass in which a decoder departs from its encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lic_bench.codecs.coded_symbols import replaced_methods

Pass = tuple[str, int, str]  # digest of its string, its number in that string, digest of its symbols
UNREADABLE = ""  # digest of a pass that could not be read
Method = Callable[..., Any]


@dataclass(slots=True)
class PassDigests:
    """written, read: passes in the order in which they were coded; only of our own coder."""

    written: list[Pass] = field(default_factory=list)
    read: list[Pass] = field(default_factory=list)
    _begun: dict[int, list[str]] = field(default_factory=dict)  # by the encoder's id
    _strings: dict[int, tuple[str, int]] = field(default_factory=dict)  # by the decoder's id: string, passes so far

    def put(self, original: Method) -> Method:
        def put(encoder: Any, symbols: Tensor, *tables: Any) -> None:
            original(encoder, symbols, *tables)
            self._begun.setdefault(id(encoder), []).append(_digest(symbols))

        return put

    def flush(self, original: Method) -> Method:
        def flush(encoder: Any) -> bytes:
            string: bytes = original(encoder)
            name = hashlib.sha256(string).hexdigest()[:8]
            self.written += [(name, n, digest) for n, digest in enumerate(self._begun.pop(id(encoder), []))]
            return string

        return flush

    def open(self, original: Method) -> Method:
        def init(decoder: Any, string: bytes) -> None:
            original(decoder, string)
            self._strings[id(decoder)] = hashlib.sha256(string).hexdigest()[:8], 0

        return init

    def get(self, original: Method) -> Method:
        def get(decoder: Any, *tables: Any) -> Tensor:
            name, number = self._strings[id(decoder)]
            self._strings[id(decoder)] = name, number + 1
            self.read.append((name, number, UNREADABLE))
            symbols: Tensor = original(decoder, *tables)
            self.read[-1] = (name, number, _digest(symbols))
            return symbols

        return get


@contextmanager
def watch_passes() -> Iterator[PassDigests]:
    """Note the passes that our coder codes in this process."""
    from lic_bench.codecs import rans

    seen = PassDigests()
    wrappers = {
        (rans.Encoder, "put"): seen.put,
        (rans.Encoder, "flush"): seen.flush,
        (rans.Decoder, "__init__"): seen.open,
        (rans.Decoder, "get"): seen.get,
    }
    with replaced_methods(wrappers):
        yield seen


def first_other_pass(written: Sequence[Sequence[Any]], read: Sequence[Pass]) -> int | None:
    """Of the passes in the order of decoding the first with other symbols than were written: its place, from 1, in the
    order of writing. None where all that was read is as it was written."""
    places = {(name, number): (place, digest) for place, (name, number, digest) in enumerate(written, 1)}
    for name, number, digest in read:
        place, expected = places.get((name, number), (0, ""))
        if place and digest != expected:
            return place
    return None


def _digest(symbols: Tensor) -> str:
    return hashlib.sha256(symbols.detach().cpu().int().contiguous().numpy().tobytes()).hexdigest()[:8]
