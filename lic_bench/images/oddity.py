"""How a picture differs from a whole, still, 8-bit RGB one, and by which rules `--convert` makes it one.

The rules are those below, applied in this order, and their words are those of tables, run.json and the page.
All is done in integers, and round() goes to the nearest level. Only 255 v / m of an even m can lie in the middle of
two levels, and is rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image as pil

SIXTEEN, LEVELS, PALETTE, CMYK, YCBCR = "16 bits", "levels", "palette", "CMYK", "YCbCr"
GREY, ALPHA, TURNED, PROFILE = "grey", "alpha", "orientation", "profile"
RULES = {
    SIXTEEN: "each 16-bit sample v becomes round(v / 257)",
    LEVELS: "each sample v becomes round(255 v / m), halves up; m is the largest value that the file names",
    PALETTE: "each index becomes its colour of the palette",
    CMYK: "CMYK becomes RGB by Pillow, without a colour profile",
    YCBCR: "YCbCr becomes RGB by Pillow, as JPEG defines it",
    GREY: "R, G and B become the grey level",
    ALPHA: "over white: c of alpha a becomes round((a c + (255 - a) 255) / 255)",
    TURNED: "turned and mirrored as its EXIF orientation says",
    PROFILE: "its ICC profile is not applied",
}
KINDS = {  # Pillow's mode -> what it is, and the rules for its colours
    "1": ("black and white", (GREY,)),
    "L": ("greyscale", (GREY,)),
    "LA": ("greyscale with alpha", (GREY, ALPHA)),
    "P": ("a palette image", (PALETTE,)),
    "PA": ("a palette image with alpha", (PALETTE, ALPHA)),
    "RGB": ("RGB", ()),
    "RGBA": ("RGB with alpha", (ALPHA,)),
    "CMYK": ("CMYK", (CMYK,)),
    "YCbCr": ("YCbCr", (YCBCR,)),
    "I;16": ("16-bit greyscale", (GREY,)),
    "I;16B": ("16-bit greyscale", (GREY,)),
    "LAB": ("CIE Lab", None),
    "I": ("32-bit greyscale", None),
    "F": ("floating point", None),
}
EIGHT_BITS, SIXTEEN_BITS = 255, 65535  # largest values
NOT_RGB = "not 8-bit RGB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """How a file differs from a whole, still, 8-bit RGB picture.

    fault: as the rest of a sentence, "is greyscale (Pillow mode L)". reason: in a word, why it cannot be measured.
    advice: what to do. rules: names in RULES that make it one; (): none do.
    as_stored: it is measured nevertheless where it is not converted, as it is stored.
    """

    fault: str
    reason: str
    advice: str
    rules: tuple[str, ...] = ()
    as_stored: bool = False

    @property
    def what(self) -> str:
        """What it is: "greyscale (Pillow mode L)"."""
        return self.fault.removeprefix("is ")

    @property
    def rules_text(self) -> str:
        """The rules in words."""
        return "; ".join(RULES[name] for name in self.rules)

    def stops(self, *, convert: bool) -> bool:
        """Whether it keeps the picture from being measured."""
        return not (self.as_stored or (convert and self.rules))


def oddity_of(picture: pil.Image) -> Oddity | None:
    """What is odd about an open picture of which nothing is decoded yet, but for its orientation; None: nothing."""
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        fault, advice = f"is animated or of several pages ({frames} frames)", "save the frame that is meant"
        return Oddity(fault=fault, reason="not one picture", advice=f"allowed is 8-bit RGB: {advice}")
    what, rules = _kind_of(picture)
    profile = (PROFILE,) if rules and picture.info.get("icc_profile") else ()
    if rules == (ALPHA,) and picture.mode == "RGB":
        return _as_stored(what, (*rules, *profile))
    if rules == ():
        return None
    advice = "--convert makes it that" if rules else "save it as that, as no rule says how"
    rules = (*(rules or ()), *profile)
    return Oddity(fault=f"is {what}", reason=NOT_RGB, advice=f"allowed is 8-bit RGB: {advice}", rules=rules)


def largest_value(picture: pil.Image) -> int:
    """The largest value that the header of an open PPM or PGM names, 1 to 65535; 255 for all other pictures."""
    is_one = picture.format == "PPM" and picture.mode in ("L", "RGB", "I")
    for tile in getattr(picture, "tile", ()) if is_one else ():
        if isinstance(tile[3], tuple):  # (mode, largest value)
            return int(tile[3][1])
        if tile[3] == "I;16B":
            return SIXTEEN_BITS
    return EIGHT_BITS


def _kind_of(picture: pil.Image) -> tuple[str, tuple[str, ...] | None]:
    """What it is, and the rules that make it 8-bit RGB: () if it is that, None if there are none."""
    largest = largest_value(picture)
    if largest not in (EIGHT_BITS, SIXTEEN_BITS):
        kind, rules = KINDS["RGB" if picture.mode == "RGB" else "L"]
        return f"{kind} of levels 0 to {largest}", (LEVELS, *(rules or ()))
    raw = _raw_modes(picture)
    mode = "LA" if raw == {"LA;16B"} else "I;16" if picture.mode == "I" and picture.format == "PPM" else picture.mode
    kind, rules = KINDS.get(mode, ("not RGB", None))
    deep, key = largest == SIXTEEN_BITS or any(";16" in name for name in raw), "transparency" in picture.info
    if mode == "RGB" and not deep:
        return ("8-bit RGB with a transparent colour", (ALPHA,)) if key else (kind, rules)
    bits = " with 16 bits per channel" if deep and mode == "RGB" else ", 16 bits per channel" if deep and rules else ""
    what = f"{kind}{bits if '16-bit' not in kind else ''}{'' if mode == 'RGB' else f' (Pillow mode {picture.mode})'}"
    if rules is None or (deep and (key or _is_read_otherwise(picture, raw))):
        return what, None
    return what, (*((SIXTEEN,) if deep else ()), *rules, *((ALPHA,) if key and ALPHA not in rules else ()))


def _is_read_otherwise(picture: pil.Image, raw: set[str]) -> bool:
    """Whether Pillow does not read 16-bit samples as they are meant: multiplied by alpha, or with 0 for white."""
    tags = getattr(picture, "tag_v2", {})  # of a TIFF
    return any("a" in name for name in raw) or tags.get(262) == 0


def turned_oddity(oddity: Oddity | None, orientation: int) -> Oddity | None:
    """The oddity of a picture of this EXIF orientation."""
    if orientation == 1 or (oddity and not oddity.rules):
        return oddity
    turned = f"EXIF orientation {orientation}"
    if oddity is None:
        return _as_stored(f"8-bit RGB of {turned}", (TURNED,))
    rules = tuple(name for name in RULES if name in (*oddity.rules, TURNED))
    return replace(oddity, fault=f"{oddity.fault} of {turned}", rules=rules)


def _raw_modes(picture: pil.Image) -> set[str]:
    """How the samples are stored, by Pillow's names: {"RGB;16B"}; empty once they are decoded."""
    settings = [tile[3] for tile in getattr(picture, "tile", ())]
    return {str(s[0] if isinstance(s, tuple) and s else s) for s in settings}


def _as_stored(what: str, rules: tuple[str, ...]) -> Oddity:
    return Oddity(fault=f"is {what}", reason="measured as stored", advice="", rules=rules, as_stored=True)
