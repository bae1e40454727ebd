"""HEVC as x265 codes it, intra and 4:4:4, through the FFmpeg that imageio-ffmpeg carries."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="hevc",
    label="HEVC (x265)",
    kind="classical",
    load="adapters.hevc.model:load",
    mode="ycbcr10",
    programs="adapters.hevc.coder:installed",
    qualities=(47, 42, 37, 32, 27, 22),
    quick_qualities=(42, 32),
    quality_range=(0, 51),
    quality_name="QP",
    paper="ITU-T H.265 | ISO/IEC 23008-2",
    source="https://github.com/imageio/imageio-ffmpeg (FFmpeg, x265)",
    licence="BSD-2-Clause (imageio-ffmpeg), GPL-3.0-or-later (the FFmpeg in it, with x265)",
    devices=("cpu",),
    requires=("imageio_ffmpeg",),
    install="pip install 'lic-bench[video]'",
    notes=(
        "x265, preset slower, tuned for PSNR, one thread; YCbCr BT.709 4:4:4 at 10 bit, rounded. The published curve "
        "of HEVC, hm, is the reference encoder's. Times include starting FFmpeg, writing and reading files."
    ),
)
