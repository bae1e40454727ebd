"""Placing labels beside markers so that nothing overlaps. Pure geometry in points; knows nothing of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Self


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: Self) -> float:
        """The area in common."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)

    @property
    def area(self) -> float:
        """The area."""
        return (self.right - self.left) * (self.top - self.bottom)


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker at x, y with a radius, and the width and height of its label."""

    x: float
    y: float
    radius: float
    width: float
    height: float

    @property
    def box(self) -> Box:
        """The square around the marker."""
        return Box(self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius)


GAP = 3.0
DIRECTIONS = 16
RINGS = (0.0, 8.0, 18.0, 30.0, 45.0)


def place_labels(markers: Sequence[Marker], frame: Box, obstacles: Sequence[Box] = ()) -> list[Box]:
    """One label box per marker, inside `frame`: each takes the nearest position that covers least of anything else."""
    fixed = [*(marker.box for marker in markers), *obstacles]
    placed: dict[int, Box] = {}
    most_crowded_first = sorted(range(len(markers)), key=lambda i: -_neighbours(markers, i))
    for index in most_crowded_first:
        taken = [*fixed, *placed.values()]
        placed[index] = min(_candidates(markers[index]), key=lambda c: _placement_cost(c, taken, frame))[1]
    return [placed[index] for index in range(len(markers))]


def _neighbours(markers: Sequence[Marker], index: int) -> int:
    mine = markers[index]
    return sum(abs(s.x - mine.x) < 90 and abs(s.y - mine.y) < 30 for s in markers)


def _candidates(marker: Marker) -> list[tuple[float, Box]]:
    """(distance, box) all around the marker, right first."""
    candidates = []
    for ring in RINGS:
        for step in range(DIRECTIONS):
            angle = 2 * pi * step / DIRECTIONS
            reach = marker.radius + GAP + ring
            x = marker.x + cos(angle) * (reach + marker.width / 2)
            y = marker.y + sin(angle) * (reach + marker.height / 2)
            box = Box(x - marker.width / 2, y - marker.height / 2, x + marker.width / 2, y + marker.height / 2)
            candidates.append((ring + 0.1 * min(step, DIRECTIONS - step), box))
    return candidates


def _placement_cost(candidate: tuple[float, Box], taken: Sequence[Box], frame: Box) -> float:
    distance, box = candidate
    outside = box.area - box.overlap(frame)
    return distance + 10 * (sum(box.overlap(other) for other in taken) + 3 * outside)
