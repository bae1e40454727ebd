"""VVC as Fraunhofer's VVenC codes it, 4:2:0, through the FFmpeg that imageio-ffmpeg carries."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="vvenc",
    label="VVenC 4:2:0",
    kind="classical",
    load="adapters.vvenc.model:load",
    mode="ycbcr10-420",
    programs="adapters.vvenc.coder:installed",
    qualities=(47, 42, 37, 32, 27, 22),
    quick_qualities=(42, 32),
    quality_range=(0, 63),
    quality_name="QP",
    paper="ITU-T H.266 | ISO/IEC 23090-3; Wieckowski et al., VVenC, ICMEW 2021",
    source="https://github.com/imageio/imageio-ffmpeg (FFmpeg, VVenC)",
    licence="BSD-2-Clause (imageio-ffmpeg), BSD-3-Clause-Clear (VVenC), GPL-3.0-or-later (the FFmpeg in it)",
    devices=("cpu",),
    requires=("imageio_ffmpeg",),
    install="pip install 'lic-bench[video]'",
    notes=(
        "VVC, but not VTM's setting: 4:2:0, all that VVenC takes. Colour is averaged over 2x2 pixels, then "
        "interpolated bicubically; PSNR is of RGB against the original, which this alone limits. Preset medium, "
        "no perceptual quantisation, one thread; FFmpeg's own decoder. YCbCr BT.709 at 10 bit, rounded. Times include "
        "starting FFmpeg, writing and reading files."
    ),
)
