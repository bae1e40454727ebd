from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from lic_bench.errors import UserError
from lic_bench.history.figures import MOST, figures, history_figure, write_figures
from lic_bench.history.metric_series import Series, series_of
from lic_bench.history.panels import LINES
from lic_bench.history.point import RELATIVE, Point
from lic_bench.report.figures.axes_style import RC_PARAMS
from lic_bench.report.figures.codec_style import codec_style
from lic_bench.report.figures.figure_files import lay_out

Nights = Callable[..., list[Point]]


def times(nights: Nights, levels: list[float], **changes: object) -> list[Series]:
    random = np.random.default_rng(1)
    values = np.repeat(levels, 12) * np.exp(0.01 * random.standard_normal(12 * len(levels)))
    samples = {"metric": "encode_s", "unit": RELATIVE, "low": float(values.min()), "high": float(values.max())}
    return series_of(nights(values.tolist(), **(samples | changes)))


def test_levels_and_steps_are_drawn_where_they_are(nights: Nights) -> None:
    (series,) = times(nights, [4.0, 4.4])
    (axes,) = history_figure([series]).axes
    (step,) = series.steps
    colours = [line.get_color() for line in axes.lines]
    mark = axes.lines[colours.index(LINES["OPEN"][0])]
    assert list(mark.get_xdata()) == [step.index - 0.5] * 2
    levels = [line.get_ydata()[0] for line in axes.lines if len(line.get_ydata()) == 2 and line.get_linewidth() == 1.3]
    assert levels == pytest.approx([4.0, 4.4], rel=0.01)
    points = next(line for line in axes.lines if len(line.get_xdata()) == 24)
    assert points.get_color() == codec_style("jpeg").colour
    low, high = axes.get_ylim()
    assert low < min(points.get_ydata()) <= max(points.get_ydata()) < high


def test_panels_of_series_share_the_runs_below(nights: Nights) -> None:
    series = series_of([*nights([1.0] * 5), *nights([2.0] * 9, quality=75), *nights([3.0], codec="webp", on="clic")])
    axes = history_figure(series).axes
    assert [one.get_title(loc="left") for one in axes] == ["JPEG q50, Kodak", "JPEG q75, Kodak", "WebP q50, CLIC"]
    assert {one.get_xlim() for one in axes} == {(-0.6, 8.6)}


def test_a_machine_and_a_metric_have_a_figure_and_many_panels_several(nights: Nights) -> None:
    points = [
        p for codec in ("jpeg", "webp", "avif") for q in range(MOST - 2) for p in nights([1.0], codec=codec, quality=q)
    ]
    points += [*nights([1.0], metric="mse_8bit"), *nights([1.0], machine="other")]
    drawn = {
        stem: len([axes for axes in figure.axes if axes.get_visible()]) for stem, figure in figures(series_of(points))
    }
    name = "intel-xeon-2-cores-1a2b3c4d"
    pages = {f"{name}_payload_bytes_{page}": MOST - 2 for page in (1, 2, 3)}
    assert drawn == {**pages, f"{name}_mse_8bit": 1, "other_payload_bytes": 1}


def test_nothing_is_cut_off_or_covered_where_the_files_are_drawn(nights: Nights) -> None:
    texts = [replace(p, value=8 * "W" + str(p.value)) for p in nights(list("abcb"), metric="bitstream_sha256")]
    sizes = [123_456_789.5 + night for night in range(4)]
    wide = [point for quality in range(3) for point in nights(sizes, quality=quality)]
    with matplotlib.rc_context(RC_PARAMS):
        for _, figure in figures([*times(nights, [4.0, 4.4]), *series_of([*texts, *wide])]):
            lay_out(figure)
            figure.set_dpi(RC_PARAMS["savefig.dpi"])
            renderer = figure.canvas.get_renderer()
            label = figure._supylabel
            boxes = [*([label.get_window_extent(renderer)] if label else []), figure.bbox.padded(-1)]
            for box in (axes.get_tightbbox(renderer) for axes in figure.axes):
                page = boxes[-1]
                assert page.x0 <= box.x0 <= box.x1 <= page.x1
                assert page.y0 <= box.y0 <= box.y1 <= page.y1
                assert not any(box.overlaps(other) for other in boxes[:-1])
                boxes.insert(0, box)


def test_the_files_are_the_same_every_time(tmp_path: Path, nights: Nights) -> None:
    series = times(nights, [4.0, 4.4])
    first, second = (write_figures(series, tmp_path / name) for name in ("a", "b"))
    assert [path.suffix for path in first] == [".png", ".svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path, nights: Nights) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --out"):
        write_figures(series_of(nights([1.0])), tmp_path / "file")
