"""Figure 1: no line that leads to a label crosses another label."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from lic_bench.report.figures.axes_style import RC_PARAMS
from lic_bench.report.figures.figure1 import figure1
from lic_bench.report.frames.bd_against_latency import COLUMNS, bd_against_latency
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.reference_runs import choose_references
from lic_bench.report.write_report import _open_runs

EDGE = 1.0  # pixel around a name without ink


def crossed(figure: Figure) -> list[str]:
    """The labels that a line to another label crosses. figure: laid out by figure1."""
    (axes,) = figure.axes
    names = [text for text in axes.texts if text.get_text()]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 0.8]
    lines = [line for line in lines if line.get_ydata()[0] != line.get_ydata()[1] or line.get_xdata()[0] > 1]
    return [name.get_text() for name in names for line in lines if _passes_through(line, name)]


def _passes_through(line: Line2D, name: Text) -> bool:
    """Whether any point of the line is inside the name, and the line does not lead there."""
    (axes,) = name.figure.axes
    ends = axes.transData.transform(np.column_stack([line.get_xdata(), line.get_ydata()]))
    box = name.get_window_extent()
    if abs(np.clip(ends[1], [box.x0, box.y0], [box.x1, box.y1]) - ends[1]).max() < 3:
        return False  # its own label
    along = ends[0] + np.linspace(0, 1, 200)[:, None] * (ends[1] - ends[0])
    inside = (along > [box.x0 + EDGE, box.y0 + EDGE]) & (along < [box.x1 - EDGE, box.y1 - EDGE])
    return bool(inside.all(1).any())


@pytest.mark.parametrize("operation", ["decode", "encode"])
def test_of_the_reference_runs_and_the_paper(operation: str) -> None:
    runs = _open_runs([], choose_references("all"))
    drawn = bd_against_latency(
        gather_report_data(runs, "paper", "vtm-9.1,jpeg", "pchip"), "kodak", "psnr_db", operation
    )
    assert drawn is not None
    with matplotlib.rc_context(RC_PARAMS):
        figure = figure1(drawn.codecs, "Kodak")
    assert {"LALIC", "WebP (+83 %)"} <= {text.get_text() for text in figure.axes[0].texts}
    assert crossed(figure) == []


@pytest.mark.parametrize("seed", range(6))
def test_of_codecs_close_to_each_other(seed: int) -> None:
    draw = np.random.default_rng(seed)
    same = {"provenance": "measured", "device": "CPU", "params_m": 30.0, "lower_bound": False, "networks_only": False}
    rows = [
        {"codec": f"codec{n}", "label": f"Codec number {n}", "seconds": 0.1 * 10 ** draw.uniform(0, 0.7)}
        | {"bd_rate": draw.uniform(-20, 60), **same}
        for n in range(12)
    ]
    with matplotlib.rc_context(RC_PARAMS):
        assert crossed(figure1(pd.DataFrame(rows, columns=COLUMNS), "Kodak")) == []
