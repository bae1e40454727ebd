"""A codec in two processes: one codes and is timed, the other decodes from bytes alone, as it never had the image."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lic_bench.codec import Bitstream
from lic_bench.images.image_file import Image
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.verified_coding import check_memory
from lic_bench.run.codec_process import CodecProcess, RemoteImage
from lic_bench.run.worker_interface import CodecSetup
from lic_bench.store.records import Complexity

Picture = NDArray[np.uint8]  # [1, 3, H, W]
BYTES_PER_PIXEL = 90  # of host memory, in both processes: 81 were seen with JPEG at 4096 x 4096
ROUNDING = 1  # levels by which two decodes of the same symbols may differ, as float32 computes a little otherwise


class ProcessPair:
    """A Worker. What a codec keeps in its modules or classes does not reach its decoder."""

    def __init__(self, setup: CodecSetup) -> None:
        self.coder = CodecProcess(setup)
        self.decoder = CodecProcess(replace(setup, parts=frozenset(), layout_seed="", only_decodes=True))

    def code(self, quality: int, image: Image) -> RemoteImage:
        """As a Worker. Raises CodecFailure too where the decoder makes another picture of the bytes."""
        check_memory(image.width or 0, image.height or 0, BYTES_PER_PIXEL)
        coded = self.coder.code(quality, image)
        bits, digest = cast(tuple[Bitstream, str], coded.ask("hand_over"))
        if self._decoder("decode_to_hash", quality, bits) != digest and not self._decodes_nearly(quality, bits, coded):
            raise CodecFailure(
                "decoder out of sync: from the bytes alone, in a process that never had the image, it decodes another "
                "picture",
                "out_of_sync",
            )
        coded.fields["decoder"] = "process"
        return coded

    def encode(self, quality: int, image: Image) -> RemoteImage:
        return self.coder.encode(quality, image)

    def payload_bytes(self, quality: int, image: Image) -> int:
        return self.coder.payload_bytes(quality, image)

    def code_batches(self, quality: int, images: Sequence[Image], batch: int) -> RemoteImage:
        return self.coder.code_batches(quality, images, batch)

    def count_operations(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        return self.coder.count_operations(quality, size)

    def open(self) -> None:
        """Start both processes; returns at once."""
        self.coder.open()
        self.decoder.open()

    def ready(self) -> None:
        """Return when both have imported everything."""
        self.coder.ready()
        self.decoder.ready()

    def renew(self) -> None:
        """Start the process that is timed anew."""
        self.coder.renew()

    def release(self) -> None:
        self.coder.release()
        self.decoder.release()

    def close(self) -> None:
        """End both."""
        self.coder.close()
        self.decoder.close()

    def _decodes_nearly(self, quality: int, bits: Bitstream, coded: RemoteImage) -> bool:
        """Whether the decoder's picture is within ROUNDING of the other; both go from process to process for it."""
        here, there = cast(Picture, coded.ask("picture")), cast(Picture, self._decoder("decode", quality, bits))
        return here.shape == there.shape and _difference(here, there) <= ROUNDING

    def _decoder(self, method: str, quality: int, bits: Bitstream) -> object:
        """What the decoder's process makes of the bytes. Its end counts as one of the process that codes."""
        try:
            return self.decoder.ask(method, quality, bits, restart=True)
        except CodecFailure as error:
            failure = CodecFailure(f"decoding from the bytes alone: {error}", error.kind)
            raise self.coder.counted(failure) if self.decoder.has_ended else failure from None


def _difference(one: Picture, other: Picture) -> int:
    """The largest of any value."""
    return int((np.maximum(one, other) - np.minimum(one, other)).max())
