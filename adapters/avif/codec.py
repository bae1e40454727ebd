"""AVIF still pictures as libavif with libaom codes them through Pillow."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="avif",
    label="AVIF (libaom)",
    kind="classical",
    load="adapters.avif.model:load",
    qualities=(10, 20, 30, 45, 60, 75),
    quick_qualities=(20, 60),
    quality_range=(0, 99),
    paper="AV1 Image File Format 1.1, Alliance for Open Media",
    source="https://github.com/python-pillow/Pillow (libavif, libaom)",
    licence="MIT-CMU (Pillow), BSD-2-Clause (libavif, libaom)",
    devices=("cpu",),
    requires=("PIL._avif",),
    install="pip install 'pillow>=11.3'",
    notes=(
        "8-bit YCbCr 4:4:4, speed 6 (libavif's default), one thread to encode and to decode, tuned for PSNR: the "
        "default tuning changed between versions. Quality 100 is left out: some versions code it without loss."
    ),
)
