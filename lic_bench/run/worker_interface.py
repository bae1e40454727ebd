"""What a run asks of a codec at work, whether that works in the run's process or in one of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lic_bench.codec import Bitstream
from lic_bench.codecs.pass_digests import Pass
from lic_bench.defaults import PROGRAM_TIMEOUT_S, TIMEOUT_S
from lic_bench.images.image_file import Image
from lic_bench.measurement.rounds import Samples
from lic_bench.measurement.stopwatch import Effort
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Complexity

# The bytes of an image, the decoder's picture [1, 3, H, W], and the passes in which our coder wrote its symbols.
Saved: TypeAlias = tuple[Bitstream, NDArray[np.uint8], list[Pass]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecSetup:
    """All that a worker is made from; travels to another process.

    files: quality -> weights file. streams: of a decode-only codec, quality -> sha256 of a picture's file ->
    its bitstream's file. threads: of the networks on the CPU; None: torch's choice. cores: to which its
    process keeps; None: any. timeout_s: of one program, and of one answer of a process. layout_seed: the layout of its
    process's memory is drawn from it, see measurement.memory_layout; "": the system draws. only_decodes: it never gets
    an image, and has one instance of the codec in place of two.
    """

    spec: CodecSpec
    device: str
    files: Mapping[int, Path] = field(default_factory=dict)
    streams: Mapping[int, Mapping[str, Path]] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    effort: Effort = field(default_factory=Effort)
    threads: int | None = None
    cores: frozenset[int] | None = None
    timeout_s: float = TIMEOUT_S
    layout_seed: str = ""
    only_decodes: bool = False


def timeout_of(spec: CodecSpec, asked: float | None) -> float:
    """Seconds that a codec may take for one image or turn, or one of its programs. asked: None for the default."""
    return asked or (PROGRAM_TIMEOUT_S if spec.programs else TIMEOUT_S)


class Coded(Protocol):
    """What was coded, an image or batches of them, ready to be coded again.

    fields: of its record, without times; {} if it was not verified. May be asked until its worker codes something else
    or starts anew. Whatever fails raises.
    """

    fields: dict[str, Any]

    def warm_up(self) -> None:
        """Encode and decode until the time that this takes has settled."""

    def turn(self) -> Samples:
        """Seconds of encoding and decoding, some of each: the codec's turn in a round."""


class CodedImage(Coded, Protocol):
    """One image that was coded."""

    def coded_and_decoded(self) -> Saved:
        """Of an image that was verified."""

    def phases(self) -> dict[str, list[float]]:
        """ "encode/g_a" and the like -> seconds; {} for a codec whose parts are not known."""

    def energy(self) -> dict[str, float]:
        """ "encode", "decode" -> joules per image; {} where the device does not tell."""


class Worker(Protocol):
    """Who codes for one codec: a CodecWorker here, or a CodecProcess elsewhere. Whatever fails raises."""

    def code(self, quality: int, image: Image) -> CodedImage:
        """Encode, decode and verify an image."""

    def encode(self, quality: int, image: Image) -> CodedImage:
        """Encode an image that was verified before, or read what it was encoded to; its fields are {}."""

    def payload_bytes(self, quality: int, image: Image) -> int:
        """The size of what an image is coded to, untimed; of programs, bitstreams that are kept may count."""

    def code_batches(self, quality: int, images: Sequence[Image], batch: int) -> Coded:
        """Encode and decode images of one size in batches, their number a multiple of `batch`; verify each."""

    def count_operations(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        """Operations and parameters at (height, width), of a network of its own: counting leaves hooks behind."""

    def open(self) -> None:
        """Begin to get ready; may go on after this returns."""

    def ready(self) -> None:
        """Return when all is imported and set up."""

    def renew(self) -> None:
        """Start anew, as a process that has coded nothing; may go on after this returns."""

    def release(self) -> None:
        """Give memory that is kept for later calls back to the device, for another codec to have."""

    def close(self) -> None:
        """End."""
