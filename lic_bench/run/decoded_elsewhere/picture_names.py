"""What the path of a decoded picture says: codec, quality and image, by a pattern such as {codec}/{quality}/{image}."""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import product
from pathlib import PurePosixPath
from typing import NamedTuple

from lic_bench.errors import UserError, printable, unknown

FIELDS: Mapping[str, str] = {"codec": "[^/]+", "quality": r"\d+", "image": ".+"}
NEEDED = ("quality", "image")
ANY_ENDING = r"\.[^./]+"
# Tried in this order, first with the longest word before the quality, so that no codec's name ends in it.
ORDERS = (
    *("{quality}/{image}", "{codec}/{quality}/{image}", "{codec}_{quality}/{image}", "{codec}-{quality}/{image}"),
    *("{image}_{quality}", "{image}-{quality}", "{codec}/{image}_{quality}", "{codec}/{image}-{quality}"),
)
WORDS = (*(word + mark for word in ("quality", "qp", "q") for mark in "_-="), "quality", "QP", "qp", "Q", "q", "")


class Name(NamedTuple):
    """Which picture it is. image: the name of the original."""

    codec: str
    quality: int
    image: str


class Pattern:
    """text: the path below the folder, with {codec}, {quality} (a whole number) and {image} (the original's name).

    Where it has no ending any is meant. `codec` is its codec where it has no {codec}.
    """

    def __init__(self, text: str, codec: str) -> None:
        """Raises UserError for a field that is unknown, missing or there twice."""
        self.text, self._codec = text, codec
        parts = re.split(r"\{(.*?)\}", text)
        literals, names = parts[::2], parts[1::2]
        for name in names:
            if name not in FIELDS:
                raise unknown("field in --pattern:", name, FIELDS)
        if missing := [name for name in NEEDED if names.count(name) != 1] or names.count("codec") > 1:
            what = missing[0] if isinstance(missing, list) else "codec"
            raise UserError(
                f"--pattern {text!r} must have {{{what}}} once; write as {{codec}}/q{{quality}}/{{image}}.png."
            )
        groups = [f"(?P<{name}>{FIELDS[name]})" for name in names]
        body = "".join(re.escape(text) + group for text, group in zip(literals, [*groups, ""], strict=True))
        self.has_ending = bool(re.search(r"\.\w+$", literals[-1]))
        self._regex = re.compile(body if self.has_ending else body + ANY_ENDING)

    def read(self, path: str) -> Name | None:
        """path: below the folder, with slashes. None where it is not of this pattern."""
        match = self._regex.fullmatch(path)
        return (
            Name(match.groupdict().get("codec", self._codec), int(match["quality"]), match["image"]) if match else None
        )


def find_pattern(paths: Sequence[str], images: Collection[str], codec: str, folder: str) -> Pattern:
    """The pattern that most paths are of, with an image that is known. codec: of paths that name none.

    Raises UserError where none is of any.
    """
    best, most = None, 0
    for word, order in product(WORDS, ORDERS):
        pattern = Pattern(order.replace("{quality}", f"{word}{{quality}}"), codec)
        count = sum((name := pattern.read(path)) is not None and name.image in images for path in paths)
        if count > most:
            best, most = pattern, count
    if best is None:
        raise UserError(
            f"No path in {folder} tells quality and image, the first: {printable(paths[0])}; allowed are "
            "CODEC/QUALITY/IMAGE.png, CODEC_QUALITY/IMAGE.png and CODEC/IMAGE_QUALITY.png, the quality a whole number "
            f"and the image called as its original ({next(iter(images))}); "
            "or say how with --pattern '{codec}/q{quality}/{image}.png'."
        )
    return best


def images_by_name(names: Sequence[str]) -> dict[str, str]:
    """What a decoded picture may be called -> the original's name: that, and without its ending if no other has it."""
    stems = [str(PurePosixPath(name).with_suffix("")) for name in names]
    alone = {stem: name for stem, name in zip(stems, names, strict=True) if stems.count(stem) == 1}
    return alone | {name: name for name in names}
