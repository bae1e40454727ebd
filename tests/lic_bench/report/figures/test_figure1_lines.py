"""Fronts and bars of Figure 1 on codecs placed by hand."""

import pandas as pd

from lic_bench.report.figures.axes_style import new_axes
from lic_bench.report.figures.figure1_lines import draw_fronts, draw_spreads

NAN = float("nan")
NAMES = ["codec", "provenance", "device", "seconds", "bd_rate", "at", "beyond", "lower_bound", "networks_only"]
ROWS = [
    ("jpeg", "measured", "CPU", 0.004, 200.0, 34.0, True, False, False),
    ("webp", "measured", "CPU", 0.010, 20.0, 20.0, False, False, False),
    ("avif", "measured", "CPU", 0.020, 25.0, 25.0, False, False, False),
    ("vvenc", "measured", "CPU", 0.080, 5.0, 5.0, False, False, False),
    ("elic", "measured", "CPU", 0.001, -7.0, -7.0, False, False, True),
    ("lalic", "published", "RTX 4090", 0.150, -15.0, -15.0, False, False, False),
    ("fat", "published", "RTX 4090", 10.0, -16.0, -16.0, False, True, False),
]


def frame(**more: list[float]) -> pd.DataFrame:
    empty = {name: [NAN] * len(ROWS) for name in ("low_s", "high_s", "bd_low", "bd_high")}
    return pd.DataFrame(ROWS, columns=NAMES).assign(**empty | more)


def test_a_front_steps_from_codec_to_codec_of_one_machine() -> None:
    _, axes = new_axes(4, 3)
    steps = draw_fronts(axes, frame())
    assert steps == [((10, 20), (80, 20)), ((80, 20), (80, 5))]  # neither what is beyond, beaten, bounded nor random
    (line,) = axes.lines
    assert line.get_drawstyle() == "steps-post"
    assert line.get_xydata().tolist() == [[10, 20], [80, 5]]


def test_bars_are_drawn_of_what_is_known() -> None:
    low, high = [0.003, 0.009, *[NAN] * 5], [0.005, 0.012, *[NAN] * 5]
    rows = frame(low_s=low, high_s=high, bd_low=[190.0, 18.0, *[NAN] * 5], bd_high=[210.0, 23.0, *[NAN] * 5])
    _, axes = new_axes(4, 3)
    assert draw_spreads(axes, rows) == [((3, 34), (5, 34)), ((9, 20), (12, 20)), ((10, 18), (10, 23))]
    assert len(axes.lines) == 3
