"""Placing labels beside markers so that nothing overlaps. Pure geometry in points; knows nothing of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, inf, pi, sin

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel rectangle."""

    left: float
    bottom: float
    right: float
    top: float


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
Floats = NDArray[np.float64]
Boxes = NDArray[np.float64]  # [n, 4]: left, bottom, right, top

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
    fixed = _rows([*(marker.box for marker in markers), *obstacles])
    boxes: dict[int, Box] = {}
    placed: dict[int, Boxes] = {}  # a label and the squares along its line
    costs: dict[int, float] = {}
    for index in [*order] * ROUNDS:  # again, now that the others have their places
        taken = np.concatenate([fixed, *(rows for other, rows in placed.items() if other != index)])
        costs[index], boxes[index] = _best_place(markers[index], taken, frame)
        placed[index] = np.concatenate([_rows([boxes[index]]), _along(leader(markers[index], boxes[index]))])
    return sum(costs.values()), [boxes[index] for index in range(len(markers))]


def leader(marker: Marker, box: Box) -> Segment | None:
    """The line from a marker's edge to its label; None where the label is close by."""
    end = min(max(marker.x, box.left), box.right), min(max(marker.y, box.bottom), box.top)
    across, up = end[0] - marker.x, end[1] - marker.y
    distance = hypot(across, up)
    if distance <= marker.radius + FAR:
        return None
    share = marker.radius / distance
    return (marker.x + share * across, marker.y + share * up), end


def _along(line: Segment | None) -> Boxes:
    """Small squares that cover a line."""
    if line is None:
        return _rows([])
    (x, y), end = line
    count = max(1, round(hypot(end[0] - x, end[1] - y) / LINE))
    steps = np.arange(count + 1)
    px, py = x + (end[0] - x) * steps / count, y + (end[1] - y) * steps / count
    return np.stack([px - LINE / 2, py - LINE / 2, px + LINE / 2, py + LINE / 2], 1)


def _neighbours(markers: Sequence[Marker], index: int) -> int:
    mine = markers[index]
    return sum(abs(s.x - mine.x) < 90 and abs(s.y - mine.y) < 30 for s in markers)


def _candidates(marker: Marker) -> tuple[Floats, Boxes]:
    """Distances and boxes all around the marker, right first."""
    angles = [2 * pi * step / DIRECTIONS for step in range(DIRECTIONS)]
    reach = (marker.radius + GAP + np.array(RINGS))[:, None]
    x = marker.x + np.array([*map(cos, angles)]) * (reach + marker.width / 2)  # [rings, directions]
    y = marker.y + np.array([*map(sin, angles)]) * (reach + marker.height / 2)
    turned = 0.1 * np.array([min(step, DIRECTIONS - step) for step in range(DIRECTIONS)])
    across, up = marker.width / 2, marker.height / 2
    boxes = np.stack([x - across, y - up, x + across, y + up], -1).reshape(-1, 4)
    return (np.array(RINGS)[:, None] + turned).ravel(), boxes


def _best_place(marker: Marker, taken: Boxes, frame: Box) -> tuple[float, Box]:
    """The candidate that is near and covers little, after its cost; its line counts as well, where it has one."""
    distances, boxes = _candidates(marker)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    outside = areas - _covered(boxes, _rows([frame]))
    costs = distances + COVERED * (_covered(boxes, taken) + 3 * outside)
    others = taken[(taken != _rows([marker.box])).any(1)]
    best, lowest = 0, inf
    for index in np.argsort(costs, kind="stable"):
        if costs[index] >= lowest:
            break  # a line makes none of the others better
        line = leader(marker, Box(*boxes[index].tolist()))
        cost = costs[index] + (COVERED * _covered(_along(line), others).sum() if line else 0)
        if cost < lowest:
            best, lowest = index, cost
    return lowest, Box(*boxes[best].tolist())


def _rows(boxes: Sequence[Box]) -> Boxes:
    return np.array([(box.left, box.bottom, box.right, box.top) for box in boxes], np.float64).reshape(-1, 4)


def _covered(boxes: Boxes, others: Boxes) -> Floats:
    """The area [n] that each of the boxes has in common with the others, all added up."""
    mine, theirs = boxes.T[..., None], others.T
    width = np.minimum(mine[2], theirs[2]) - np.maximum(mine[0], theirs[0])
    height = np.minimum(mine[3], theirs[3]) - np.maximum(mine[1], theirs[1])
    covered: Floats = (np.maximum(width, 0) * np.maximum(height, 0)).sum(1)
    return covered
