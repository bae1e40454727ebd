"""The symbols that go into the strings of both rANS coders and come out of them, seen from outside."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Coded = set[tuple[bytes, tuple[int, ...]]]  # strings, and the symbols that they were made of or gave
Method = Callable[..., Any]


@dataclass(slots=True)
class CodedSymbols:
    """written: by encoders. read: by decoders, each string as far as it was read."""

    written: Coded = field(default_factory=set)
    read: Coded = field(default_factory=set)
    _begun: dict[int, tuple[Any, list[int]]] = field(default_factory=dict)  # by id, kept alive so that it is unique
    _streams: dict[int, tuple[Any, bytes, list[int]]] = field(default_factory=dict)  # likewise

    def agree(self) -> bool:
        """Whether decoders read from every string what encoders wrote into it; False where nothing was written."""
        return bool(self.written) and self.read == self.written

    def encode_with_indexes(self, original: Method) -> Method:
        def encode(encoder: Any, symbols: list[int], *tables: Any) -> Any:
            string = original(encoder, symbols, *tables)
            if string is None:  # of a buffered encoder, which gives it when flushed
                self._begun.setdefault(id(encoder), (encoder, []))[1].extend(symbols)
            else:
                self.written.add((string, tuple(symbols)))
            return string

        return encode

    def flush(self, original: Method) -> Method:
        def flush(encoder: Any) -> Any:
            string = original(encoder)
            _, symbols = self._begun.pop(id(encoder), (None, []))
            self.written.add((string, tuple(symbols)))
            return string

        return flush

    def put(self, original: Method) -> Method:
        def put(encoder: Any, symbols: Any, *tables: Any) -> None:
            original(encoder, symbols, *tables)
            self._begun.setdefault(id(encoder), (encoder, []))[1].extend(symbols.int().flatten().tolist())

        return put

    def decode_with_indexes(self, original: Method) -> Method:
        def decode(decoder: Any, string: bytes, *tables: Any) -> Any:
            symbols = original(decoder, string, *tables)
            self.read.add((bytes(string), tuple(symbols)))
            return symbols

        return decode

    def set_stream(self, original: Method) -> Method:
        def set_stream(decoder: Any, string: bytes) -> Any:
            self.end_stream(decoder)
            self._streams[id(decoder)] = (decoder, bytes(string), [])
            return original(decoder, string)

        return set_stream

    def decode_stream(self, original: Method) -> Method:
        def decode(decoder: Any, *tables: Any) -> Any:
            symbols = original(decoder, *tables)
            if stream := self._streams.get(id(decoder)):
                stream[2].extend(symbols)
            return symbols

        return decode

    def get(self, original: Method) -> Method:
        def get(decoder: Any, *tables: Any) -> Any:
            symbols = original(decoder, *tables)
            if stream := self._streams.get(id(decoder)):
                stream[2].extend(symbols.flatten().tolist())
            return symbols

        return get

    def end_stream(self, decoder: Any) -> None:
        """What the decoder read from its stream is all that it reads from it."""
        if stream := self._streams.pop(id(decoder), None):
            self.read.add((stream[1], tuple(stream[2])))

    def end(self) -> None:
        """No stream is read any more."""
        for decoder, _, _ in list(self._streams.values()):
            self.end_stream(decoder)


@contextmanager
def watch_coders() -> Iterator[CodedSymbols]:
    """Note what both rANS coders code in this process, streams that are written or read bit by bit included.

    Complete when the context ends; of codecs with other coders nothing is noted.
    """
    from compressai import ans

    from lic_bench.codecs import rans

    seen = CodedSymbols()
    methods: list[tuple[Any, str]] = [
        (rans.Encoder, "put"),
        (rans.Encoder, "flush"),
        (rans.Decoder, "get"),
        (ans.RansEncoder, "encode_with_indexes"),
        (ans.BufferedRansEncoder, "encode_with_indexes"),
        (ans.BufferedRansEncoder, "flush"),
        (ans.RansDecoder, "decode_with_indexes"),
        (ans.RansDecoder, "set_stream"),
        (ans.RansDecoder, "decode_stream"),
    ]
    wrappers = {(coder, name): getattr(seen, name) for coder, name in methods}
    with replaced_methods(wrappers | {(rans.Decoder, "__init__"): seen.set_stream}):
        yield seen
    seen.end()


@contextmanager
def replaced_methods(wrappers: Mapping[tuple[Any, str], Callable[[Method], Method]]) -> Iterator[None]:
    """Inside, each method, by (class, name), is what its wrapper makes of it."""
    originals = {(owner, name): getattr(owner, name) for owner, name in wrappers}
    try:
        for (owner, name), wrap in wrappers.items():
            setattr(owner, name, wrap(originals[owner, name]))
        yield
    finally:
        for (owner, name), original in originals.items():
            setattr(owner, name, original)
