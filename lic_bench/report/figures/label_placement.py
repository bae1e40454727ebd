"""Placing labels beside markers so that nothing overlaps. Pure geometry in points; knows nothing of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import cos, hypot, inf, pi, sin
from typing import Self

import numpy as np
from numpy.typing import NDArray


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


Segment = tuple[tuple[float, float], tuple[float, float]]

GAP = 3.0
FAR = 8.0  # beyond a marker's edge, from where a line leads to the label
LINE = 2.0  # width that a line keeps free
DIRECTIONS = 48
RINGS = (0.0, 4.0, 8.0, 13.0, 18.0, 24.0, 30.0, 37.0, 45.0, 54.0, 64.0, 76.0, 90.0)
ROUNDS = 3
COVERED = 10  # times what is covered, in points^2, is a distance in points


def place_labels(markers: Sequence[Marker], frame: Box, obstacles: Sequence[Box] = ()) -> list[Box]:
    """One label box per marker, inside `frame`: each takes the nearest position that covers least of anything else.

    The lines to labels that are not close by count as covering what they cross, and as being covered. Who is placed
    first matters: of three orders the best outcome is taken.
    """
    numbers = range(len(markers))
    orders = (
        sorted(numbers, key=lambda i: -_neighbours(markers, i)),
        sorted(numbers, key=lambda i: markers[i].x),
        sorted(numbers, key=lambda i: -markers[i].x),
    )
    return min((_placed(markers, order, frame, obstacles) for order in orders), key=lambda outcome: outcome[0])[1]


def _placed(
    markers: Sequence[Marker], order: Sequence[int], frame: Box, obstacles: Sequence[Box]
) -> tuple[float, list[Box]]:
    """The cost of all labels together, and where they are."""
    fixed = [*(marker.box for marker in markers), *obstacles]
    placed: dict[int, list[Box]] = {}  # a label and the squares along its line
    costs: dict[int, float] = {}
    for index in [*order] * ROUNDS:  # again, now that the others have their places
        taken = [*fixed, *chain.from_iterable(boxes for other, boxes in placed.items() if other != index)]
        costs[index], box = _best_place(markers[index], taken, frame)
        placed[index] = [box, *_along(leader(markers[index], box))]
    return sum(costs.values()), [placed[index][0] for index in range(len(markers))]


def leader(marker: Marker, box: Box) -> Segment | None:
    """The line from a marker's edge to its label; None where the label is close by."""
    end = min(max(marker.x, box.left), box.right), min(max(marker.y, box.bottom), box.top)
    across, up = end[0] - marker.x, end[1] - marker.y
    distance = hypot(across, up)
    if distance <= marker.radius + FAR:
        return None
    share = marker.radius / distance
    return (marker.x + share * across, marker.y + share * up), end


def _along(line: Segment | None) -> list[Box]:
    """Small squares that cover a line."""
    if line is None:
        return []
    (x, y), end = line
    count = max(1, round(hypot(end[0] - x, end[1] - y) / LINE))
    points = [(x + (end[0] - x) * i / count, y + (end[1] - y) * i / count) for i in range(count + 1)]
    return [Box(px - LINE / 2, py - LINE / 2, px + LINE / 2, py + LINE / 2) for px, py in points]


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


def _best_place(marker: Marker, taken: Sequence[Box], frame: Box) -> tuple[float, Box]:
    """The candidate that is near and covers little, after its cost; its line counts as well, where it has one."""
    distances, boxes = zip(*_candidates(marker), strict=True)
    outside = np.array([box.area - box.overlap(frame) for box in boxes])
    costs = np.array(distances) + COVERED * (_covered(boxes, taken) + 3 * outside)
    others = [other for other in taken if other != marker.box]
    best, lowest = boxes[0], inf
    for index in np.argsort(costs, kind="stable"):
        if costs[index] >= lowest:
            break  # a line makes none of the others better
        cost = costs[index] + COVERED * _covered(_along(leader(marker, boxes[index])), others).sum()
        if cost < lowest:
            best, lowest = boxes[index], cost
    return lowest, best


def _covered(boxes: Sequence[Box], others: Sequence[Box]) -> NDArray[np.float64]:
    """The area that each of the boxes has in common with the others, all added up."""
    mine, theirs = (
        np.array([(box.left, box.bottom, box.right, box.top) for box in group]).reshape(-1, 4).T
        for group in (boxes, others)
    )
    width = np.minimum(mine[2, :, None], theirs[2]) - np.maximum(mine[0, :, None], theirs[0])
    height = np.minimum(mine[3, :, None], theirs[3]) - np.maximum(mine[1, :, None], theirs[1])
    covered: NDArray[np.float64] = (np.maximum(width, 0) * np.maximum(height, 0)).sum(1)
    return covered
