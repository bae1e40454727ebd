"""AVIF through Pillow."""

from __future__ import annotations

from PIL import AvifImagePlugin

from adapters.shared.pillow import PillowCodec


def load(quality: int) -> PillowCodec:
    """quality: 0..99, libavif's scale."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # Pillow has no argument for the decoder's threads
    settings = {
        "quality": quality,
        "subsampling": "4:4:4",
        "codec": "aom",
        "speed": 6,
        "max_threads": 1,
        "advanced": {"tune": "psnr"},
    }
    return PillowCodec("AVIF", settings)
