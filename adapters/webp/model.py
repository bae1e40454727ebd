"""WebP through Pillow."""

from __future__ import annotations

from adapters.shared.pillow import PillowCodec


def load(quality: int) -> PillowCodec:
    """quality: 0..100, libwebp's scale."""
    return PillowCodec("WEBP", {"quality": quality, "method": 4})
