"""The layout of the report's figures at the resolution of their files."""

from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lic_bench.report.figures.axes_style import RC_PARAMS
from lic_bench.report.figures.figure_files import write_figure


def test_labels_cover_no_other_panel_where_the_files_are_drawn(tmp_path: Path) -> None:
    with matplotlib.rc_context(RC_PARAMS):
        figure = Figure(figsize=(9, 2), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        panels = list(figure.subplots(1, 3))
        for axes in panels:
            axes.set_yticks([0, 1], ["123,456,789.5", "123,456,790.5"], fontsize=7.5)
        write_figure(figure, tmp_path / "wide")
        figure.set_dpi(RC_PARAMS["savefig.dpi"])
        boxes = [axes.get_tightbbox(canvas.get_renderer()) for axes in panels]
    assert (tmp_path / "wide.png").is_file()
    assert boxes[0].x0 >= 0
    assert boxes[0].x1 <= boxes[1].x0
    assert boxes[1].x1 <= boxes[2].x0
    assert boxes[2].x1 <= figure.bbox.x1
