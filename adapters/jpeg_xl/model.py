"""JPEG XL through the encoder and decoder objects of pillow-jxl-plugin, whose Pillow side cannot fix the threads."""

from __future__ import annotations

import numpy as np
from pillow_jxl import Decoder, Encoder
from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.codecs.image_library_versions import library_version
from lic_bench.codecs.pixels import to_pixels, to_tensor

THREADS = 1
EFFORT = 7


class JpegXL:
    """JPEG XL at one quality; the payload is the whole codestream. version: of the package that has libjxl built in."""

    def __init__(self, quality: int) -> None:
        self.version = library_version("JXL")
        self.settings = {
            "mode": "RGB",
            "lossless": False,
            "quality": quality,
            "decoding_speed": 0,
            "effort": EFFORT,
            "use_container": False,
            "use_original_profile": False,
            "num_threads": THREADS,
        }

    def compress(self, x: Tensor) -> Bitstream:
        """Code x, [1, 3, H, W] in [0, 1]; the header is empty."""
        pixels = to_pixels(x)
        height, width, _ = pixels.shape
        encode = Encoder(**self.settings)
        nothing = {"exif": None, "jumb": None, "xmp": None, "compress": False}
        return Bitstream(payload=bytes(encode(pixels.tobytes(), width, height, jpeg_encode=False, **nothing)))

    def decompress(self, bits: Bitstream) -> Tensor:
        """Decode x_hat, [1, 3, H, W] in [0, 1], on the CPU."""
        _, info, levels, *_ = Decoder(num_threads=THREADS)(bits.payload)
        if info.mode != "RGB":
            raise ValueError(f"The codestream decodes to {info.mode}; expected is 8-bit RGB.")
        pixels = np.frombuffer(levels, np.uint8).reshape(info.height, info.width, 3)
        return to_tensor(pixels.copy())


def load(quality: int) -> JpegXL:
    """quality: 1..99, libjxl's JPEG-like scale."""
    return JpegXL(quality)
