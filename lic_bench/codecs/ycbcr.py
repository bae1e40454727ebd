"""RGB and YCbCr by ITU-R BT.709, full range, 4:4:4, at 8 or 10 bit; and the planar files that video encoders read.

The published VTM curves were made with a conversion that truncates instead of rounding; `truncate` does the same.
"""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # [H, W, 3], RGB
Planes = NDArray[np.uint8] | NDArray[np.uint16]  # [3, H, W]; uint16 where a sample has more than 8 bits

KR, KG, KB = 0.2126, 0.7152, 0.0722


def rgb_to_ycbcr(pixels: Pixels, bits: int = 10, *, truncate: bool = False) -> Planes:
    """[H, W, 3] uint8 -> Y, Cb, Cr as [3, H, W] in 0..2**bits-1, rounded, Cb and Cr around 2**(bits-1).

    truncate: truncated instead, Cb and Cr around (2**bits-1)/2: exactly what CompressAI's bench does.
    """
    red, green, blue = pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    y = KR * red + KG * green + KB * blue
    cb = 0.5 * (blue - y) / (1 - KB)
    cr = 0.5 * (red - y) / (1 - KR)
    peak = 2**bits - 1
    middle = _chroma_zero(bits, truncate)
    if truncate:
        unit = np.clip(np.stack((y, cb + np.float32(middle), cr + np.float32(middle))), 0, 1)
        return _to_integers(unit * np.float32(peak), bits)
    levels = np.stack((y, cb + middle, cr + middle)) * np.float32(peak)
    return _to_integers(np.clip(np.rint(levels), 0, peak), bits)


def ycbcr_to_rgb(planes: Planes, bits: int = 10, *, truncate: bool = False) -> Pixels:
    """The inverse: [3, H, W] -> [H, W, 3] uint8, clipped, and rounded or with `truncate` truncated."""
    unit = np.clip(ycbcr_to_unit_rgb(planes, bits, truncate=truncate), 0, 1) * np.float32(255)
    levels = unit if truncate else np.rint(unit)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(1, 2, 0))


def ycbcr_to_unit_rgb(planes: Planes, bits: int = 10, *, truncate: bool = False) -> NDArray[np.float32]:
    """[3, H, W] YCbCr -> [3, H, W] RGB as float32 around 0..1, neither clipped nor rounded."""
    middle = np.float32(_chroma_zero(bits, truncate))
    y, cb, cr = planes.astype(np.float32) / np.float32(2**bits - 1)
    red = y + (2 - 2 * KR) * (cr - middle)
    blue = y + (2 - 2 * KB) * (cb - middle)
    green = (y - KR * red - KB * blue) / KG
    return np.stack((red, green, blue))


def rgb_to_gbr(pixels: Pixels) -> Planes:
    """[H, W, 3] RGB -> [3, H, W] in the order green, blue, red, which coders take in place of Y, Cb and Cr."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[[1, 2, 0]])


def gbr_to_rgb(planes: Planes) -> Pixels:
    """The inverse of `rgb_to_gbr`, for 8-bit samples."""
    return np.ascontiguousarray(planes[[2, 0, 1]].transpose(1, 2, 0), dtype=np.uint8)


def planes_to_bytes(planes: Planes) -> bytes:
    """Planes [3, H, W] as a raw file: yuv444p for uint8, yuv444p10le (16 bits, little-endian) for uint16."""
    return planes.astype(planes.dtype.newbyteorder("<"), copy=False).tobytes()


def planes_from_bytes(data: bytes, height: int, width: int, bits: int = 10) -> Planes:
    """A raw file of one 4:4:4 picture -> [3, H, W]. Raises ValueError if it is not of this size."""
    expected = 3 * height * width * (1 if bits == 8 else 2)
    if len(data) != expected:
        raise ValueError(f"{len(data)} bytes where a {width}x{height} picture of 4:4:4 at {bits} bit has {expected}")
    if bits == 8:
        return np.frombuffer(data, np.uint8).reshape(3, height, width)
    return np.frombuffer(data, "<u2").reshape(3, height, width).astype(np.uint16)


def _chroma_zero(bits: int, truncate: bool) -> float:
    """The zero of Cb and Cr as a share of the peak; a whole level unless truncating."""
    return 0.5 if truncate else 2 ** (bits - 1) / (2**bits - 1)


def _to_integers(levels: NDArray[np.float32], bits: int) -> Planes:
    return levels.astype(np.uint8) if bits == 8 else levels.astype(np.uint16)
