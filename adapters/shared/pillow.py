"""The image file formats of Pillow as codecs, in process; the payload is the whole file."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.codecs.image_library_versions import library_version
from lic_bench.codecs.pixels import to_pixels, to_tensor


class PillowCodec:
    """One format with fixed settings. settings: what `PIL.Image.Image.save` takes for that format.

    version: of the library that codes it, None where that does not tell it.
    """

    def __init__(self, file_format: str, settings: Mapping[str, Any]) -> None:
        self.file_format = file_format
        self.settings = dict(settings)
        self.version = library_version(file_format)

    def compress(self, x: Tensor) -> Bitstream:
        """Code x, [1, 3, H, W] in [0, 1]; the header is empty, a file says everything."""
        file = BytesIO()
        Image.fromarray(to_pixels(x)).save(file, self.file_format, **self.settings)
        return Bitstream(payload=file.getvalue())

    def decompress(self, bits: Bitstream) -> Tensor:
        """Decode x_hat, [1, 3, H, W] in [0, 1], on the CPU."""
        with Image.open(BytesIO(bits.payload), formats=(self.file_format,)) as picture:
            return to_tensor(np.array(picture.convert("RGB")))
