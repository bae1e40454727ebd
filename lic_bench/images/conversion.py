"""Making a picture 8-bit RGB by the rules of `lic_bench.images.oddity`."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lic_bench.images.oddity import ALPHA, LEVELS, SIXTEEN, largest_value
from lic_bench.images.picture_file import open_picture, orientation_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image as pil

ORIENTATION = 0x0112  # the tag of EXIF
# Which half of a 16-bit sample Pillow keeps in each way of reading, and the way to read the other one.
LOW = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}


def converted_pixels(picture: pil.Image, path: Path, rules: Collection[str]) -> NDArray[np.uint8]:
    """The pixels of an open picture made 8-bit RGB, [height, width, 3] uint8. rules: of its Oddity."""
    import numpy as np
    from PIL import ImageOps

    eight_bits = _eight_bits(picture, path) if {SIXTEEN, LEVELS} & set(rules) else picture
    pixels = eight_bits.convert("RGBA" if ALPHA in rules else "RGB")
    pixels.getexif()[ORIENTATION] = orientation_of(picture)
    upright = np.array(ImageOps.exif_transpose(pixels))
    return over_white(upright) if ALPHA in rules else upright


def over_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H, W, 4] uint8 over white, [H, W, 3] uint8: a c + (255 - a) 255, divided by 255 and rounded."""
    import numpy as np

    colours, alpha = rgba[..., :3].astype(np.uint32), rgba[..., 3:].astype(np.uint32)
    return ((alpha * colours + (255 - alpha) * 255 + 127) // 255).astype(np.uint8)


def to_eight_bits(samples: NDArray[np.uint16], largest: int = 65535) -> NDArray[np.uint8]:
    """round(255 v / largest), halves up, of 0 <= v <= largest; v / 257 where the largest is 65535."""
    import numpy as np

    return ((510 * samples.astype(np.uint32) + largest) // (2 * largest)).astype(np.uint8)


def _eight_bits(picture: pil.Image, path: Path) -> pil.Image:
    """The picture with 8 bits per sample."""
    import numpy as np
    from PIL import Image as pil

    if picture.format == "PPM":
        return pil.fromarray(_ppm_eight_bits(path))
    if picture.mode.startswith("I"):
        return pil.fromarray(to_eight_bits(np.array(picture).astype(np.uint16)))
    if picture.format == "PNG" and (pair := _read_as(path, {"LA;16B": "RGBA"})):
        high_low = np.array(pair)
        grey, alpha = (to_eight_bits(256 * high_low[..., n].astype(np.uint16) + high_low[..., n + 1]) for n in (0, 2))
        return pil.fromarray(np.stack([grey, grey, grey, alpha], axis=-1))
    names = [f"{mode};{ending}" for mode in ("RGB", "RGBA", "RGBX", "CMYK") for ending in LOW]
    low = _read_as(path, {name: f"{name.partition(';')[0]};{LOW[name.partition(';')[2]]}" for name in names})
    if low is None:
        raise ValueError("its 16-bit samples are stored in a way that is not read")
    samples = to_eight_bits(256 * np.array(picture).astype(np.uint16) + np.array(low))
    return pil.frombytes(picture.mode, picture.size, samples.tobytes())


def _ppm_eight_bits(path: Path) -> NDArray[np.uint8]:
    """[H, W, 3] or [H, W] of a PPM or PGM, from its own samples, as Pillow's reader has rounded them already."""
    import numpy as np

    with open_picture(path) as opened:
        picture: Any = opened  # an ImageFile, which has tiles
        largest, (height, width), (tile,) = largest_value(opened), opened.size[::-1], picture.tile
        shape = (height, width, 3) if opened.mode == "RGB" else (height, width)
    data, count = path.read_bytes()[tile.offset :], int(np.prod(shape))
    if tile.codec_name == "ppm_plain":
        stored = np.array(re.sub(rb"#[^\r\n]*", b" ", data).split(), dtype=np.uint16)[:count]
    else:
        stored = np.frombuffer(data, ">u2" if largest > 255 else "u1", count)
    samples = stored.reshape(shape)
    if samples.max() > largest:
        raise ValueError(f"a sample of {samples.max()}, where the largest is said to be {largest}")
    return to_eight_bits(samples, largest)


def _read_as(path: Path, other: dict[str, str]) -> pil.Image | None:
    """The file's picture, its samples unpacked by other[name] in place of `name`; None if other lacks the name."""
    with open_picture(path) as opened:
        picture: Any = opened  # an ImageFile, which has tiles
        tiles = []
        for tile in picture.tile:
            settings = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
            if settings[0] not in other:
                return None
            changed = (other[settings[0]], *settings[1:])
            tiles.append(tile._replace(args=changed if isinstance(tile[3], tuple) else changed[0]))
        picture.tile = tiles
        picture.load()
        return opened
