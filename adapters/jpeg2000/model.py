"""JPEG 2000 through Pillow."""

from __future__ import annotations

from adapters.shared.pillow import PillowCodec

BITS_PER_PIXEL = 24  # of the uncoded picture


def load(quality: int) -> PillowCodec:
    """quality: the target rate in hundredths of a bit per pixel, the file's own headers included; 1..1600."""
    settings = {
        "quality_mode": "rates",
        "quality_layers": [BITS_PER_PIXEL * 100 / quality],  # OpenJPEG asks for the compression factor
        "irreversible": True,
        "mct": 1,  # colour transform; Pillow leaves it out unless asked, which costs 3 dB
    }
    return PillowCodec("JPEG2000", settings)
