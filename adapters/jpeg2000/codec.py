"""JPEG 2000 as OpenJPEG codes it through Pillow, at a target rate."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="jpeg2000",
    label="JPEG 2000 (OpenJPEG)",
    kind="classical",
    load="adapters.jpeg2000.model:load",
    qualities=(15, 25, 40, 60, 100, 160),
    quick_qualities=(25, 100),
    quality_range=(1, 1600),
    quality_name="target bpp x 100",
    aliases=("j2k",),
    paper="ITU-T T.800 | ISO/IEC 15444-1",
    source="https://github.com/python-pillow/Pillow (OpenJPEG)",
    licence="MIT-CMU (Pillow), BSD-2-Clause (OpenJPEG)",
    devices=("cpu",),
    notes=(
        "One quality layer at a fixed rate, 9/7 wavelet, YCbCr 4:4:4, one tile, JP2 file. The published curves of the "
        "name jpeg2000 are FFmpeg 3.4.6's, 0.6 to 2.5 dB below this encoder on Kodak, hence not shown as its own."
    ),
)
