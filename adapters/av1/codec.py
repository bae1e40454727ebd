"""AV1 still pictures as libaom codes them, 4:4:4, through the FFmpeg that imageio-ffmpeg carries."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="av1",
    label="AV1 (libaom)",
    kind="classical",
    load="adapters.av1.model:load",
    mode="ycbcr10",
    programs="adapters.av1.coder:installed",
    qualities=(60, 52, 44, 36, 28, 20),
    quick_qualities=(52, 36),
    quality_range=(1, 63),
    quality_name="CRF",
    paper="AV1 Bitstream & Decoding Process Specification, Alliance for Open Media",
    source="https://github.com/imageio/imageio-ffmpeg (FFmpeg, libaom, dav1d)",
    licence="BSD-2-Clause (imageio-ffmpeg, libaom, dav1d), GPL-3.0-or-later (the FFmpeg in it)",
    devices=("cpu",),
    requires=("imageio_ffmpeg",),
    install="pip install 'lic-bench[video]'",
    published="av1",
    notes=(
        "libaom, still picture, usage good, speed 2, tuned for PSNR, one thread; dav1d decodes. YCbCr BT.709 4:4:4 at "
        "10 bit, rounded. No container. CRF 0 is left out, being lossless. Times include starting FFmpeg, writing and "
        "reading files."
    ),
)
