"""Cool-chic as a decode-only codec."""

from __future__ import annotations

from torch import Tensor

from adapters.cool_chic.decoder import decode
from adapters.cool_chic.stream_header import Stream, read_stream
from lic_bench.codec import Bitstream, DecodingCost


class CoolChic:
    """Decodes any stream, as each brings its own network. version: of the encoder that made the released ones."""

    version = "3.1"

    def decompress(self, bits: Bitstream) -> Tensor:
        """x_hat, [1, 3, H, W] float32 in [0, 1]. bits: a whole file. Raises UserError for a damaged one."""
        return decode(read_stream(bits.payload)).clamp_(0, 1)

    def cost(self, bits: Bitstream) -> DecodingCost:
        """What decoding these bits takes. Raises UserError for a damaged file."""
        stream = read_stream(bits.payload)
        return DecodingCost(_macs(stream), sum(stream.parameters().values()), stream.height * stream.width)


def load(quality: int) -> CoolChic:
    """quality: 1..5, which the streams know of their own."""
    return CoolChic()


def _macs(stream: Stream) -> dict[str, int]:
    """Multiply-accumulates by part. Upsampling is that of the padded maps, as the authors count."""
    counts = stream.parameters()
    context = counts["arm_weight"] * sum(grid.height * grid.width for grid in stream.grids)
    upsampling = 0
    for level in range(1, len(stream.maps)):
        height, width = stream.size_at(level)
        upsampling += sum(stream.maps[level:]) * (height + stream.kernel) * (width + stream.kernel) * stream.kernel**2
    synthesis = counts["synthesis_weight"] * stream.height * stream.width
    return {"context model": context, "upsampling": upsampling, "synthesis": synthesis}
