"""What a codec looks like in every figure: its colour and marker belong to it, whatever else is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from zlib import crc32

from lic_bench import published
from lic_bench.registry import find_codecs

# The marker changes with the colour, so that nothing hangs on colour alone.
COLOURS = (
    *("#8f5d2c", "#00798c", "#2b5fb0", "#d1495b", "#6a4c93", "#3c8d40"),
    *("#e07a1f", "#b5179e", "#4b5563", "#0096c7", "#7a9e00", "#8c1c13"),
    *("#c08a00", "#1d3557", "#9d4edd", "#ff6b6b", "#2a9d8f", "#a47148"),
    *("#ef476f", "#457b9d", "#588157", "#9a8c98", "#5f0f40", "#3a0ca3"),
)
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "p", "h", "8", "<", ">", "d")
REST = "#b8bec6"
VARIANTS = ("-mse-on-msssim", "-msssim", "-lalic", "-paper", "-tfc", "-vbr")


@dataclass(frozen=True, slots=True)
class Look:
    """Colour and marker of one codec."""

    colour: str
    marker: str


def look(codec: str) -> Look:
    """The look of a codec; the variants of one codec (trained on MS-SSIM, another run) share it.

    A codec that nobody knows, such as a plugin or a target, has the look that its name's checksum picks.
    """
    base = next((codec.removesuffix(end) for end in VARIANTS if codec.endswith(end)), codec)
    place = _places().get(base, len(_places()) + crc32(base.encode()))
    return Look(COLOURS[place % len(COLOURS)], MARKERS[(place + 5 * (place // len(COLOURS))) % len(MARKERS)])


@cache
def _places() -> dict[str, int]:
    """Every known name by place: the codecs of the paper, then those that can be measured, then the other published."""
    first = sorted(published.table1().index)
    ours = sorted(set(find_codecs()) - set(first))
    others = sorted({entry.slug for entry in published.list_published()} - {*first, *ours})
    return {name: place for place, name in enumerate([*first, *ours, *others])}
