from collections.abc import Callable

import pytest
from matplotlib.text import Annotation

from lic_bench.history.figures import history_figure
from lic_bench.history.metric_series import series_of
from lic_bench.history.point import Point

Nights = Callable[..., list[Point]]


def test_labels_of_steps_do_not_cover_each_other(nights: Nights) -> None:
    series = series_of(nights([float(1000 + (night // 2) ** 2) for night in range(40)]))
    figure = history_figure(series)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts if isinstance(text, Annotation)]
    assert len(boxes) > 5
    for place, one in enumerate(boxes):
        assert not any(one.shrunk(0.9, 0.9).overlaps(other.shrunk(0.9, 0.9)) for other in boxes[place + 1 :])


@pytest.mark.parametrize("values", [[1000.0], ["abcdef"], [0.0, 0.0], [1000.0] * 300, ["a", "b", "a", "c", "d", "e"]])
def test_one_point_constants_texts_and_many_points_can_be_drawn(nights: Nights, values: list[float | str]) -> None:
    figure = history_figure(series_of(nights(values)))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert low < high
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert 1 <= len(ticks) <= 5
