"""What a codec looks like in every figure: its colour and marker belong to it, whatever else is drawn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from zlib import crc32

from lic_bench.codecs.registry import installed_codecs
from lic_bench.rate_distortion import published

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
VARIANTS = ("-mse-on-msssim", "-msssim", "-lalic", "-paper", "-tfc", "-vbr")


@dataclass(frozen=True, slots=True)
class CodecStyle:
    """Colour and marker of one codec."""

    colour: str
    marker: str


def codec_style(codec: str) -> CodecStyle:
    """The look of a codec; the variants of one codec (trained on MS-SSIM, another run) share it.

    A codec that nobody knows, such as a plugin or a target, has the look that its name's checksum picks, which may be
    another's too.
    """
    base = _base(codec)
    picked = crc32(base.encode())
    own = CodecStyle(COLOURS[picked % len(COLOURS)], MARKERS[picked // len(COLOURS) % len(MARKERS)])
    return _known_styles().get(codec) or _known_styles().get(base) or own


def colour_distance(first: str, second: str) -> float:
    """How far two colours, "#rrggbb", are from each other for the eye: 0 for the same, 765 from black to white.

    The weighted distance of T. Riemersma, "Colour metric", https://www.compuphase.com/cmetric.htm.
    """
    (r1, g1, b1), (r2, g2, b2) = (bytes.fromhex(colour[1:]) for colour in (first, second))
    red = (r1 + r2) / 2
    squares = (2 + red / 256) * (r1 - r2) ** 2 + 4 * (g1 - g2) ** 2 + (2 + (255 - red) / 256) * (b1 - b2) ** 2
    return math.sqrt(squares)


def _base(codec: str) -> str:
    return next((codec.removesuffix(end) for end in VARIANTS if codec.endswith(end)), codec)


@cache
def _known_styles() -> dict[str, CodecStyle]:
    """Name -> look of every known codec: of the paper, then those that can be measured, then the other published."""
    first = sorted(published.printed_table1().index)
    others = sorted({_base(entry.slug) for entry in published.list_published()})
    styles: dict[str, CodecStyle] = {}
    for place, name in enumerate(dict.fromkeys([*first, *sorted(installed_codecs()), *others])):
        styles[name] = _style_with(COLOURS[place % len(COLOURS)], list(styles.values()))
    return styles


def _style_with(colour: str, given: Sequence[CodecStyle]) -> CodecStyle:
    """This colour with the marker that was given least often, and of those to the colours farthest away."""

    def cost(marker: str) -> tuple[bool, int, float]:
        same = [colour_distance(colour, style.colour) for style in given if style.marker == marker]
        return 0 in same, len(same), -min(same, default=0)

    return CodecStyle(colour, min(MARKERS, key=cost))
