"""A codec that only decodes: JPEG files that somebody made of the pictures. Its list of released ones is not there."""

import io

import numpy as np
import torch
from PIL import Image

from lic_bench.codec import Bitstream, DecodingCost
from lic_bench.phase_marks import mark
from lic_bench.spec import CodecSpec, Streams

SPEC = CodecSpec(
    name="replay",
    label="Replay",
    kind="decode-only",
    load="replay.codec:load",
    qualities=(1, 2),
    devices=("cpu",),
    paper="none",
    source="tests",
    licence="MIT",
    streams=Streams(
        files={1: "{picture}-low.jpg", 2: "{picture}-high.jpg"},
        lmbdas={1: 0.1, 2: 0.01},
        dataset="kodak",
        url="http://127.0.0.1/none",
        sha256="replay:streams.sha256",
    ),
)


class Replay:
    version = "1.0"

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        with mark("files"), Image.open(io.BytesIO(bits.payload)) as picture:
            pixels = np.array(picture)
        return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255

    def cost(self, bits: Bitstream) -> DecodingCost:
        """As many operations as bytes."""
        with Image.open(io.BytesIO(bits.payload)) as picture:
            return DecodingCost({"bytes": len(bits.payload)}, 7, picture.width * picture.height)


def load(quality: int) -> Replay:
    return Replay()
