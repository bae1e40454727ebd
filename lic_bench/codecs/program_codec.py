"""Codecs whose coder is another program, which reads and writes files in a temporary folder."""

import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.codecs.bitstream_cache import BitstreamCache, cache_folder, cache_key
from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.codecs.pixels import to_pixels, to_tensor
from lic_bench.codecs.ycbcr import Pixels
from lic_bench.defaults import PROGRAM_TIMEOUT_S
from lic_bench.system.programs import ProgramError, run_program
from lic_bench.system.workspaces import workspace

INPUT, BITSTREAM, OUTPUT = "input", "bitstream", "output"  # names of the files, relative to the folder of the call
SIZE = struct.Struct("<II")  # height, width: raw pictures do not say it


class ProgramCodec(ABC):
    """One codec at one quality that runs other programs. Safe to use from several threads.

    name: of the coder, for messages and the cache. version: as the program states it. mode: the colour path or pixel
    format for the record; None if there is only one. reads_cache: whether compress may return a bitstream that was made
    before; never while times are taken.

    The payload is the whole file that the encoder wrote; the header has the picture's size.
    """

    def __init__(
        self, name: str, version: str, mode: str | None = None, *, timeout_s: float = PROGRAM_TIMEOUT_S
    ) -> None:
        self.name = name
        self.version = version
        self.mode = mode
        self.timeout_s = timeout_s
        self.reads_cache = False
        self.cache = BitstreamCache(cache_folder())

    @abstractmethod
    def write_input(self, pixels: Pixels, folder: Path) -> None:
        """Write what the encoder reads, INPUT, and whatever else it needs, into `folder`."""

    @abstractmethod
    def encode_argv(self, height: int, width: int) -> Sequence[str]:
        """The encoder's command line, run in the folder: INPUT to BITSTREAM."""

    @abstractmethod
    def decode_argv(self, height: int, width: int) -> Sequence[str]:
        """The decoder's command line, run in the folder: BITSTREAM to OUTPUT."""

    @abstractmethod
    def read_output(self, folder: Path, height: int, width: int) -> Pixels:
        """The decoded picture. Raises ValueError if OUTPUT is not a picture of this size."""

    def options(self, height: int, width: int) -> Sequence[str]:
        """All that decides the bytes beside image and version, with file names replaced by the files' contents."""
        return self.encode_argv(height, width)[1:]

    def compress(self, x: Tensor) -> Bitstream:
        """Encode x, [1, 3, H, W] in [0, 1]. Raises ProgramError if the encoder fails."""
        pixels = to_pixels(x)
        height, width = pixels.shape[:2]
        with workspace(self.name) as folder:
            self.write_input(pixels, folder)
            key = self._cache_key(folder, height, width) if self.reads_cache else ""
            payload = self.cache.get(key) if key else None
            if payload is None:
                payload = self._run_encoder(folder, height, width)
                if key:
                    self.cache.put(key, payload)
        return Bitstream(payload, SIZE.pack(height, width))

    def decompress(self, bits: Bitstream) -> Tensor:
        """Decode x_hat, [1, 3, H, W] in [0, 1], on the CPU. Raises ProgramError if the decoder fails."""
        height, width = SIZE.unpack(bits.header)
        with workspace(self.name) as folder:
            (folder / BITSTREAM).write_bytes(bits.payload)
            argv = self.decode_argv(height, width)
            run_program(argv, folder, timeout_s=self.timeout_s)
            try:
                return to_tensor(self.read_output(folder, height, width))
            except (ValueError, OSError) as error:
                raise ProgramError(f"{Path(argv[0]).name} decoded no {width}x{height} picture: {error}.") from None

    def _cache_key(self, folder: Path, height: int, width: int) -> str:
        program = sha256_of(Path(self.encode_argv(height, width)[0]))
        coder = (self.name, self.version, program)
        return cache_key((folder / INPUT).read_bytes(), (height, width), coder, self.options(height, width))

    def _run_encoder(self, folder: Path, height: int, width: int) -> bytes:
        """The bitstream that the encoder makes of INPUT."""
        argv = self.encode_argv(height, width)
        run_program(argv, folder, timeout_s=self.timeout_s)
        try:
            payload = (folder / BITSTREAM).read_bytes()
        except OSError:
            payload = b""
        if not payload:
            raise ProgramError(f"{Path(argv[0]).name} ended without an error and wrote no bitstream.")
        return payload
