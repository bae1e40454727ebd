"""Labels beside markers: nothing overlaps, and no line crosses a name."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.report.figures.label_placement import Box, Marker, leader, place_labels


def test_labels_keep_clear_of_markers_and_of_each_other() -> None:
    spots = [Marker(100 + 14 * i, 100 + 3 * i, 6, 60, 10) for i in range(8)]
    frame = Box(0, 0, 400, 300)
    boxes = place_labels(spots, frame)
    everything = [*boxes, *(spot.box for spot in spots)]
    assert max(_overlap(a, b) for a, b in itertools.combinations(everything[:8], 2)) == 0
    assert all(_overlap(box, frame) == pytest.approx(_overlap(box, box)) for box in boxes)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 300)), max_size=10))
def test_every_spot_gets_a_label_of_its_size(places: list[tuple[float, float]]) -> None:
    boxes = place_labels([Marker(x, y, 5, 50, 10) for x, y in places], Box(0, 0, 400, 300))
    assert len(boxes) == len(places)
    assert all(_overlap(box, box) == pytest.approx(500) for box in boxes)


def test_a_line_leads_to_a_label_that_is_not_close_by() -> None:
    marker = Marker(100, 100, 5, 50, 10)
    assert leader(marker, Box(108, 95, 158, 105)) is None
    assert leader(marker, Box(130, 95, 180, 105)) == ((105, 100), (130, 100))


@pytest.mark.parametrize("gap", [3, 6, 10, 14])
def test_no_line_crosses_a_name_or_another_marker(gap: int) -> None:
    spots = [Marker(60 + gap * i, 40 + (i % 2), 4, 55, 11) for i in range(6)]  # a row in the corner
    boxes = place_labels(spots, Box(0, 0, 400, 300))
    lines = [leader(spot, box) for spot, box in zip(spots, boxes, strict=True)]
    for index, line in enumerate(lines):
        if line is None:
            continue
        (x, y), (end_x, end_y) = line
        points = [(x + (end_x - x) * i / 50, y + (end_y - y) * i / 50) for i in range(50)]
        for other in range(len(spots)):
            if other != index:
                box = boxes[other]
                assert not any(box.left < a < box.right and box.bottom < b < box.top for a, b in points)


def _overlap(one: Box, other: Box) -> float:
    """The area in common."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.top, other.top) - max(one.bottom, other.bottom)
    return max(width, 0.0) * max(height, 0.0)
