"""`--match CODEC:QUALITY`: classical codecs, image by image, at the quality nearest in size to another codec's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from lic_bench.errors import UserError
from lic_bench.spec import CodecSpec
from lic_bench.system.option_lists import split_list

Weights = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Target:
    """Whose sizes are to be met."""

    codec: str
    quality: int

    def __str__(self) -> str:
        return f"{self.codec}:{self.quality}"

    @classmethod
    def parsed(cls, text: str) -> Target:
        """Of CODEC:QUALITY. Raises UserError."""
        codec, _, quality = text.rpartition(":")
        if not codec or not quality.isdecimal():
            raise UserError(f"--match {text}: write CODEC:QUALITY, as lalic-small:3.")
        return cls(codec, int(quality))


def targets_of(match: str | None) -> list[Target]:
    """Of the text of --match; [] if it was not given."""
    return [Target.parsed(text) for text in split_list(match, "--match")] if match is not None else []


def searching(specs: Sequence[CodecSpec], targets: Sequence[Target]) -> list[CodecSpec]:
    """The codecs that search: the classical ones whose own sizes are not to be met."""
    met = {target.codec for target in targets}
    return [spec for spec in specs if spec.kind == "classical" and spec.name not in met] if targets else []


def check_match(
    targets: Sequence[Target], specs: Sequence[CodecSpec], ladders: Mapping[str, Sequence[int]], weights: Weights
) -> None:
    """Raise UserError where no size of a target would be measured or mean anything, and where no codec searches."""
    names = ",".join(spec.name for spec in specs)
    for target in targets:
        given = f"--match {target}"
        if target.codec not in ladders:
            raise UserError(f"{given}: {target.codec!r} is not among --codecs {names}; add it.")
        if target.quality not in ladders[target.codec]:
            measured = ", ".join(map(str, ladders[target.codec])) or "none"
            raise UserError(
                f"{given}: this quality is not measured, but {measured}; add --qualities "
                f"{target.codec}={target.quality}."
            )
        if weights.get(target.codec, {}).get(str(target.quality), "").startswith("random"):
            raise UserError(f"{given}: random weights have sizes that mean nothing; give weights, or another codec.")
    if targets and not searching(specs, targets):
        raise UserError(f"--match: of --codecs {names} no classical one is left to search its quality; add jpeg.")


def nearest_quality(spec: CodecSpec, wanted: int, size_of: Callable[[int], int]) -> int:
    """The quality whose size has the ratio to `wanted` bytes that is nearest to 1, by bisection.

    size_of: bytes at a quality, which grow with it or shrink, as those at the ends of the codec's ladder tell. Of sizes
    that do neither throughout, the nearest that was seen. Whatever size_of raises is raised.
    """
    first, last = spec.quality_range or (min(spec.qualities), max(spec.qualities))
    qualities = range(first, last + 1) if spec.quality_range else sorted(spec.qualities)
    seen: dict[int, int] = {}

    def size(quality: int) -> int:
        if quality not in seen:
            seen[quality] = size_of(quality)
        return seen[quality]

    grows = size(max(spec.qualities)) >= size(min(spec.qualities))
    bisect_left(qualities if grows else qualities[::-1], wanted, key=size)
    return min(seen, key=lambda quality: (abs(log(max(1, seen[quality]) / wanted)), quality))
