"""What a codec looks like in every figure: its colour and marker belong to it, whatever else is drawn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from zlib import crc32

from lic_bench.codecs.registry import installed_codecs
from lic_bench.rate_distortion import published
from lic_bench.spec import VARIANT_MARK

# Markers are dealt out to the codecs of the paper and those that can be measured before any comes again; where two
# share one, their colours are far apart. The markers hard to tell at a small size come last.
COLOURS = (
    *("#8f5d2c", "#00798c", "#2b5fb0", "#d1495b", "#6a4c93", "#3c8d40"),
    *("#e07a1f", "#b5179e", "#4b5563", "#0096c7", "#7a9e00", "#8c1c13"),
    *("#c08a00", "#1d3557", "#9d4edd", "#ff6b6b", "#2a9d8f", "#a47148"),
    *("#ef476f", "#457b9d", "#588157", "#9a8c98", "#5f0f40", "#3a0ca3"),
)
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*", "<", ">", "d", "p", "h", "8", "H")
REST = "#b8bec6"
ENDINGS = ("-mse-on-msssim", "-msssim", "-lalic", "-paper", "-tfc", "-vbr")
# Strokes and gaps of the line of a codec's variant, in widths of the line; several variants follow each other.
DASHES: Mapping[str, tuple[float, ...]] = {
    "bf16": (1, 1.5),
    "fp16": (2, 2),
    "tf32": (3, 1),
    "channels-last": (5, 3),
    "compile": (7, 2),
    "compressai-coder": (3, 3),
}
OTHER_DASHES = (1, 3)


@dataclass(frozen=True, slots=True)
class CodecStyle:
    """Colour and marker of one codec. dashes: of a variant's line, in widths of the line; () for other codecs."""

    colour: str
    marker: str
    dashes: tuple[float, ...] = ()

    @property
    def markers(self) -> dict[str, Any]:
        """What matplotlib's `plot` is told of the markers; a variant's are empty rings around those of its base.

        Their sizes differ as the dashes do, so that several can be told apart where they lie on each other.
        """
        size, face = (7 + sum(self.dashes), "none") if self.dashes else (5, self.colour)
        return {"marker": self.marker, "markersize": size, "markerfacecolor": face}


def codec_style(codec: str) -> CodecStyle:
    """The look of a codec; those of one codec (trained on MS-SSIM, another run) share it, a variant but for its line.

    A codec that nobody knows, such as a plugin or a target, has the look that its name's checksum picks, which may be
    another's too.
    """
    codec, *variants = codec.split(VARIANT_MARK)
    base = _base(codec)
    picked = crc32(base.encode())
    own = CodecStyle(COLOURS[picked % len(COLOURS)], MARKERS[picked // len(COLOURS) % len(MARKERS)])
    style = _known_styles().get(codec) or _known_styles().get(base) or own
    return replace(style, dashes=tuple(width for name in variants for width in DASHES.get(name, OTHER_DASHES)))


def colour_distance(first: str, second: str) -> float:
    """How far two colours, "#rrggbb", are from each other for the eye: 0 for the same, 765 from black to white.

    The weighted distance of T. Riemersma, "Colour metric", https://www.compuphase.com/cmetric.htm.
    """
    (r1, g1, b1), (r2, g2, b2) = (bytes.fromhex(colour[1:]) for colour in (first, second))
    red = (r1 + r2) / 2
    squares = (2 + red / 256) * (r1 - r2) ** 2 + 4 * (g1 - g2) ** 2 + (2 + (255 - red) / 256) * (b1 - b2) ** 2
    return math.sqrt(squares)


def _base(codec: str) -> str:
    return next((codec.removesuffix(end) for end in ENDINGS if codec.endswith(end)), codec)


@cache
def _known_styles() -> dict[str, CodecStyle]:
    """Name -> look of every known codec: of the paper, then those that can be measured, then the other published."""
    first = sorted(published.printed_table1().index)
    others = sorted({_base(entry.slug) for entry in published.list_published()})
    styles: dict[str, CodecStyle] = {}
    for place, name in enumerate(dict.fromkeys([*first, *map(_base, sorted(installed_codecs())), *others])):
        styles[name] = _style_with(COLOURS[place % len(COLOURS)], list(styles.values()))
    return styles


def _style_with(colour: str, given: Sequence[CodecStyle]) -> CodecStyle:
    """This colour with the marker that was given least often, and of those to the colours farthest away."""

    def cost(marker: str) -> tuple[bool, int, float]:
        same = [colour_distance(colour, style.colour) for style in given if style.marker == marker]
        return 0 in same, len(same), -min(same, default=0)

    return CodecStyle(colour, min(MARKERS, key=cost))
