"""What the metrics see of an RGB picture: luma, or Y, Cb and Cr for video metrics. All by ITU-R BT.709."""

import numpy as np
from numpy.typing import NDArray

from lic_bench.codecs.ycbcr import KB, KG, KR, planes_to_bytes

Pixels = NDArray[np.uint8]  # [H, W, 3], RGB
Plane = NDArray[np.float64]  # [H, W]


def luma(pixels: Pixels) -> Plane:
    """Y in full range, 0 to 255, not rounded."""
    weighed: Plane = pixels @ np.array((KR, KG, KB))
    return weighed


def video_file(pixels: Pixels) -> bytes:
    """Y, Cb and Cr in video range at 10 bits, rounded, as a raw file of FFmpeg's pixel format yuv444p10le.

    Y is 64 to 940, Cb and Cr are 64 to 960 around 512: the range that VMAF was trained on and CIEDE2000 reads.
    """
    y = luma(pixels) / 255
    red, blue = pixels[..., 0] / 255, pixels[..., 2] / 255
    cb, cr = 0.5 * (blue - y) / (1 - KB), 0.5 * (red - y) / (1 - KR)
    levels = np.stack((64 + 876 * y, 512 + 896 * cb, 512 + 896 * cr))
    return planes_to_bytes(np.rint(levels).astype(np.uint16))
