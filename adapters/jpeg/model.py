"""JPEG through Pillow."""

from __future__ import annotations

from adapters.shared.pillow import PillowCodec


def load(quality: int) -> PillowCodec:
    """quality: 1..100, libjpeg's scale."""
    return PillowCodec("JPEG", {"quality": quality, "subsampling": "4:2:0", "optimize": False})
