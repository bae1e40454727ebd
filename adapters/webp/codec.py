"""Lossy WebP as libwebp codes it through Pillow, with the settings behind the published curve."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="webp",
    label="WebP",
    kind="classical",
    load="adapters.webp.model:load",
    qualities=(5, 15, 30, 50, 75, 90),
    quick_qualities=(15, 75),
    quality_range=(0, 100),
    paper="RFC 9649 (WebP), RFC 6386 (VP8)",
    source="https://github.com/python-pillow/Pillow (libwebp)",
    licence="MIT-CMU (Pillow), BSD-3-Clause (libwebp)",
    devices=("cpu",),
    requires=("PIL._webp",),
    published="webp",
    notes=(
        "VP8 key frame, always 4:2:0, method 4: libwebp's default, which gives the published Kodak points to the last "
        "digit. Method 6 takes twice the time and gives 0.15 dB more. libwebp refuses sides over 16383 pixels."
    ),
)
