"""Scaling runs in the report: points, fits, limits, tables and Figure 10 of a run whose laws are known."""

import io
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from rich.console import Console

from lic_bench.commands import options as cli_options
from lic_bench.errors import UserError
from lic_bench.rate_distortion.growth_fits import fit
from lic_bench.report.figures.codec_style import codec_style
from lic_bench.report.figures.figure10 import EDGE, MOST_TICKS, figure10
from lic_bench.report.frames.codec_costs import memory_of_operation
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.frames.scaling import (
    MEMORY_GIB,
    QUANTITIES,
    ScalingFrames,
    is_scaling,
    scaling_frames,
    unexpected_failures,
)
from lic_bench.report.tables.scaling_tables import (
    DOUBTFUL,
    FASTER,
    LEVEL,
    RANDOM,
    TOO_FEW,
    fits_table,
    largest_table,
    parse_memory_sizes,
    scaling_tables,
    sizes_table,
)
from lic_bench.report.tables.terminal import to_rich
from lic_bench.report.write_report import write_report
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run, Store

SIDES = (256, 512, 1024, 2048)
WEIGHTS, GROWTH = 100e6, 2e9  # bytes, bytes per MP of the network's encoding; its decoding needs half
# As `lic-bench run --codecs hevc --datasets sample --crop 128` stores it: all memory is that of ffmpeg.
HEVC_PEAKS = {"encode_children_rss": 38_047_744, "decode_children_rss": 19_955_712}
NOISE = (0.02, -0.03, 0.01, -0.02)  # of the memory at the SIDES, relative
MakeRun = Callable[..., Run]


def megapixels(side: int) -> float:
    return side * side / 1e6


def records(codec: str, sides: tuple[int, ...], limit: int | None, device: str) -> Iterator[Record]:
    """A network's memory is a line, its time a line as well; JPEG's time is quadratic and its memory constant."""
    kind, learned = ("rss_growth" if device == "cpu" else "allocated_growth"), codec != "jpeg"
    for side in sides:
        mp = megapixels(side)
        common: dict[str, Any] = {"codec": codec, "quality": 4, "dataset": "scale", "image": f"{side}x{side}"}
        common |= {"width": side, "height": side, "device": device, "weights": "random" if learned else None}
        if limit is not None and side >= limit:
            common |= {"status": "failed", "failure": "out_of_memory" if side == limit else "not_tried"}
            yield Record(**common, error="CUDA out of memory" if side == limit else "not tried at this size")
            continue
        growth = {f"encode_{kind}": round(GROWTH * mp), f"decode_{kind}": round(GROWTH / 2 * mp)}
        level = {f"encode_{kind}": 5_000_000, f"decode_{kind}": 5_000_000}
        yield Record(
            **common,
            status="ok",
            encode_s=[0.1 + mp, 0.1 + mp, 9.0] if learned else [0.01 * mp**2],
            decode_s=[2 * mp],
            peak_memory_bytes=growth | {"weights": round(WEIGHTS)} if learned else level,
        )


def make(
    folder: Path,
    codecs: dict[str, int | None],
    *,
    sides: tuple[int, ...] = SIDES,
    device: str = "cpu",
    broken: bool = False,
) -> Run:
    """A scaling run. codecs: name -> the side at which it runs out of memory."""
    config = {"codecs": list(codecs), "sizes": list(sides), "device": device}
    store = Store(folder, {"config": config, "environment": {"cpu": "Example CPU"}})
    for codec, limit in codecs.items():
        for record in records(codec, sides, limit, device):
            store.records.append(record)
        for side in sides[:3] if codec != "jpeg" else ():
            common: dict[str, Any] = {"codec": codec, "quality": 4, "width": side, "height": side, "parameters": 1}
            for counter, path, gmacs in (("exact", "forward", 600), ("thop", "forward", 700), ("exact", "encode", 400)):
                store.complexity.append(
                    Complexity(**common, counter=counter, path=path, macs=round(1e9 * gmacs * megapixels(side)))
                )
    if broken:
        common = {"codec": "webp", "quality": 4, "dataset": "scale", "image": "256x256", "width": 256, "height": 256}
        store.records.append(Record(**common, status="failed", error="decoder out of sync"))
    store.close()
    return Run(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make(tmp_path_factory.mktemp("scaling") / "big", {"lalic": 2048, "elic": None, "jpeg": None}, broken=True)


@pytest.fixture(scope="module")
def data(run: Run) -> ScalingFrames:
    return scaling_frames([run])


def fit_of(data: ScalingFrames, codec: str, quantity: str) -> Any:
    (found,) = data.fits[(data.fits.codec == codec) & (data.fits.quantity == quantity)].fit
    return found


def test_the_known_laws_come_out(data: ScalingFrames) -> None:
    memory = fit_of(data, "lalic", "memory_encode")
    assert (memory.line.a, memory.line.b) == (pytest.approx(WEIGHTS, rel=1e-6), pytest.approx(GROWTH))
    time = fit_of(data, "elic", "time_encode")
    assert (time.line.a, time.line.b) == (pytest.approx(0.1), pytest.approx(1.0))  # the outlier is not the median
    quadratic = fit_of(data, "jpeg", "time_encode")
    assert quadratic.power.p == pytest.approx(2.0)
    assert quadratic.best is quadratic.power
    assert fit_of(data, "lalic", "macs_forward").line.b == pytest.approx(600e9)
    assert fit_of(data, "lalic", "macs_thop").line.b == pytest.approx(700e9)
    assert set(data.points.quantity) == set(QUANTITIES) - {"macs_decode"}


def test_the_limit_is_the_smallest_size_without_memory(data: ScalingFrames) -> None:
    (limit,) = data.limits.to_dict("records")
    assert (limit["codec"], limit["width"], limit["error"]) == ("lalic", 2048, "CUDA out of memory")
    assert data.points[data.points.codec == "lalic"].width.max() == 1024


@pytest.mark.parametrize(
    ("peaks", "wanted"),
    [
        ({"weights": 10, "encode_rss_growth": 5}, 15),
        ({"weights": 10, "encode_rss_growth": 5, "encode_allocated_growth": 7, "encode_allocated": 99}, 17),
        (HEVC_PEAKS, 38_047_744),
        ({"encode_rss_growth": 0}, 0),
        ({"decode_rss_growth": 5, "weights": 10}, None),
        ({}, None),
    ],
)
def test_memory_is_weights_and_growth(peaks: dict[str, float], wanted: float | None) -> None:
    assert memory_of_operation(peaks, "encode") == wanted


def test_the_memory_of_programs_that_a_codec_starts_is_in_the_tables(tmp_path: Path) -> None:
    store = Store(tmp_path / "run", {"config": {"sizes": [64, 128, 256]}})
    for side in (64, 128, 256):
        size = {"image": f"{side}x{side}", "width": side, "height": side}
        peaks = {name: value + side for name, value in HEVC_PEAKS.items()}
        store.records.append(
            Record(codec="hevc", quality=37, dataset="scale", status="ok", **size, peak_memory_bytes=peaks)
        )
    store.close()
    frames = scaling_frames([Run(tmp_path / "run")])
    assert [row.cells["memory_encode_mb"].text for row in sizes_table(frames).rows] == ["38.0"] * 3
    assert [row.cells["memory_decode_mb"].text for row in sizes_table(frames).rows] == ["20.0"] * 3
    assert [row.cells["quantity"].text for row in fits_table(frames).rows] == ["Memory, encode", "Memory, decode"]
    assert len(largest_table(frames).rows) == 2


def test_sizes_table_shows_the_limit_and_marks_random_weights(data: ScalingFrames) -> None:
    table = sizes_table(data)
    frame = table.frame()
    lalic = frame[frame.method == "LALIC"]
    assert lalic["size"].tolist() == ["256x256", "512x512", "1024x1024", "2048x2048"]
    assert lalic.limit.fillna("").tolist() == ["", "", "", "out of memory"]
    assert lalic.memory_encode_mb.iloc[2] == pytest.approx((WEIGHTS + GROWTH * megapixels(1024)) / 1e6)
    assert lalic.time_decode_ms.iloc[0] == pytest.approx(2000 * megapixels(256))
    assert lalic.macs_forward_gmac.iloc[0] == pytest.approx(600 * megapixels(256))
    notes = {row.cells["method"].text: row.cells["time_encode_ms"].notes for row in table.rows[:1]}
    assert notes == {"LALIC": (RANDOM,)}
    jpeg = next(row for row in table.rows if row.cells["method"].text == "JPEG")
    assert jpeg.cells["time_encode_ms"].notes == ()


def test_fits_table_has_offset_slope_exponent_and_r2(data: ScalingFrames) -> None:
    frame = fits_table(data).frame()
    (row,) = frame[(frame.method == "LALIC") & (frame.quantity == "Memory, encode")].to_dict("records")
    assert (row["unit"], row["n_sizes"]) == ("MB", 3)
    assert (row["fixed"], row["per_mp"]) == (pytest.approx(100, rel=1e-6), pytest.approx(2000))
    assert row["r2"] == pytest.approx(1.0)
    assert row["exponent"] == pytest.approx(1.0)  # of what grows beside the weights
    (row,) = frame[(frame.method == "JPEG") & (frame.quantity == "Time, encode")].to_dict("records")
    assert (row["exponent"], row["exponent_r2"]) == (pytest.approx(2.0), pytest.approx(1.0))


def test_the_largest_image_for_a_size_of_memory(data: ScalingFrames) -> None:
    table = largest_table(data, [2.0, 80.0])
    rows = {(row.cells["method"].text, row.cells["operation"].text): row.cells for row in table.rows}
    small, large = (rows["LALIC", "encode"][f"largest_in_{size}_gib_mp"] for size in (2, 80))
    assert small.value == pytest.approx((2 * 2**30 - WEIGHTS) / GROWTH)
    assert small.text == f"{small.value:.1f} ({int(math.sqrt(1e6 * small.value))})"
    assert small.notes == ()
    assert large.notes == ("More than 4 times the largest size measured, 1.05 MP.",)
    assert rows["LALIC", "decode"]["largest_in_2_gib_mp"].value > 1.9 * small.value
    assert rows["LALIC", "encode"]["limit"].text == "2048x2048"
    assert rows["ELIC", "encode"]["limit"].text == "-"
    assert rows["JPEG", "encode"]["largest_in_2_gib_mp"].value is None
    assert rows["JPEG", "encode"]["largest_in_2_gib_mp"].notes == (LEVEL,)


def grown(y: Sequence[float], sides: Sequence[int]) -> ScalingFrames:
    """Of one codec whose memory in MB is y; 150 MB of it are weights."""
    identity = {"curve": "x", "run": "r", "codec": "elic", "label": "ELIC", "device": "cpu", "weights": ""}
    mp = [megapixels(side) for side in sides]
    found = fit(mp, [1e6 * value for value in y], 150e6)
    rows = [identity | {"quality": 1, "quantity": "memory_encode", "n_sizes": len(y), "fit": found}]
    return ScalingFrames([], scaling_frames([]).points, pd.DataFrame(rows), scaling_frames([]).limits)


def test_memory_that_grows_faster_than_the_pixels_is_said_and_predicted() -> None:
    y = [150 + 400 * megapixels(side) + 200 * megapixels(side) ** 2 for side in SIDES]
    data = grown(y, SIDES)
    (row,) = largest_table(data, [80.0]).rows
    assert row.cells["largest_in_80_gib_mp"].value == pytest.approx(19.73, abs=0.01)
    assert FASTER in row.cells["largest_in_80_gib_mp"].notes
    (row,) = fits_table(data).rows
    (law,) = row.cells["per_mp"].notes
    assert law.endswith("150 + 400 x MP + 200 x MP² MB.")
    few = grown(y[:3], SIDES[:3])
    assert DOUBTFUL in largest_table(few, [80.0]).rows[0].cells["largest_in_80_gib_mp"].notes
    assert DOUBTFUL in fits_table(few).rows[0].cells["per_mp"].notes


def test_memory_in_proportion_is_not_said_to_grow_faster() -> None:
    data = grown([(150 + 400 * megapixels(side)) * (1 + k) for side, k in zip(SIDES, NOISE, strict=True)], SIDES)
    assert largest_table(data, [8.0]).rows[0].cells["largest_in_8_gib_mp"].notes == (
        "More than 4 times the largest size measured, 4.19 MP.",
    )
    assert fits_table(data).rows[0].cells["per_mp"].notes == ()


@pytest.mark.parametrize("width", [80, 110])
def test_tables_fit_the_terminal_whole(tmp_path: Path, width: int) -> None:
    codecs = {"lalic": 2048, "cheng2020-parallel": 1024, "jpeg": None}
    for table in scaling_tables(scaling_frames([make(tmp_path / "scale", codecs, device="cuda:0")])):
        console = Console(width=width, file=io.StringIO(), record=True)
        console.print(to_rich(table, width))
        shown = console.export_text()
        assert all(len(line) <= width for line in shown.splitlines())
        assert all(f" {label} " in shown for label in ("Method", "LALIC", "Cheng20-Parallel", "JPEG"))
        left_out = " ".join(shown.split()).partition("Not shown at this width: ")[2]
        for column in table.columns:
            if column.title not in left_out:
                assert all(word in shown for row in table.rows for word in table.cell(row, column).text.split())


def test_units_stand_in_the_headers_of_the_terminal(data: ScalingFrames) -> None:
    console = Console(width=110, file=io.StringIO(), record=True)
    console.print(to_rich(sizes_table(data), 110))
    shown = console.export_text()
    heads = next(line for line in shown.splitlines() if "Method" in line)
    assert heads.split()[-4:] == ["[MB]", "[MB]", "[ms]", "[ms]"]
    assert "encode [ms], decode [ms]: Time" in " ".join(shown.split())


def test_two_sizes_have_no_fit_and_say_so(tmp_path: Path) -> None:
    data = scaling_frames([make(tmp_path / "few", {"lalic": None}, sides=(256, 512))])
    assert data.fits.fit.isna().all()
    for row in fits_table(data).rows:
        assert row.cells["per_mp"].notes == (TOO_FEW,)
    for row in largest_table(data).rows:
        assert row.cells["largest_in_8_gib_mp"].notes == (TOO_FEW,)
    assert figure10(data).axes[0].lines


def test_a_codec_without_memory_from_the_start_is_shown(tmp_path: Path) -> None:
    data = scaling_frames([make(tmp_path / "none", {"jpeg": 256, "webp": None}, sides=SIDES)])
    (row,) = [row for row in sizes_table(data).rows if row.cells["method"].text == "JPEG"]
    assert (row.cells["size"].text, row.cells["limit"].text) == ("256x256", "out of memory")
    labels = [text.get_text() for text in figure10(data).legends[0].get_texts()]
    assert labels[:2] == ["WebP", "JPEG"]


def crosses(figure: Any) -> list[tuple[int, float, float]]:
    """(panel, x, y) of each."""
    return [
        (panel, *map(float, line.get_xydata()[0]))
        for panel, axes in enumerate(figure.axes)
        for line in axes.lines
        if line.get_marker() == "x"
    ]


def test_figure_10_has_operations_memory_and_times(data: ScalingFrames) -> None:
    figure = figure10(data)
    assert len(figure.axes) == 4
    for axes in figure.axes:
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert len(axes.get_xticks()) <= MOST_TICKS
    macs, memory, encode, _ = figure.axes
    (line,) = [one for one in macs.lines if to_hex(one.get_color()) == codec_style("elic").colour]
    np.testing.assert_allclose(line.get_ydata(), [600 * megapixels(side) for side in SIDES[:3]])
    (line,) = [one for one in memory.lines if to_hex(one.get_color()) == codec_style("elic").colour]
    np.testing.assert_allclose(line.get_xdata(), [megapixels(side) for side in SIDES])
    np.testing.assert_allclose(line.get_ydata(), [(WEIGHTS + GROWTH * megapixels(s)) / 1e9 for s in SIDES], rtol=1e-6)
    assert len([one for one in encode.lines if to_hex(one.get_color()) == codec_style("jpeg").colour]) == 1
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["LALIC", "ELIC", "JPEG", "out of memory", "in proportion to the pixels"]


def test_a_cross_stands_where_memory_ran_out(data: ScalingFrames) -> None:
    found = crosses(figure10(data))
    assert [panel for panel, *_ in found] == [1, 2, 3]  # operations need no memory to be known
    for _, x, _ in found:
        assert x == megapixels(2048)
    assert found[0][2] == pytest.approx((WEIGHTS + GROWTH * megapixels(2048)) / 1e9, rel=1e-6)
    assert found[1][2] == pytest.approx(0.1 + megapixels(2048))


def test_a_cross_without_a_fit_stands_at_the_edge_and_has_no_line(tmp_path: Path) -> None:
    figure = figure10(scaling_frames([make(tmp_path / "few", {"lalic": 1024})]))  # two sizes before
    found = crosses(figure)
    assert [panel for panel, *_ in found] == [1, 2, 3]
    for panel, x, y in found:
        axes = figure.axes[panel]
        assert (x, y) == (megapixels(1024), EDGE)
        (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
        assert axes.transAxes.inverted().transform(cross.get_transform().transform((x, y)))[1] == pytest.approx(EDGE)
        assert not [line for line in axes.lines if line.get_linestyle() == ":"]
        mine = [line for line in axes.lines if line.get_color() == codec_style("lalic").colour and line is not cross]
        highest = max(max(line.get_ydata()) for line in mine)
        assert axes.get_ylim()[1] < 2 * highest  # the cross does not stretch the view


def test_the_same_codec_of_two_runs_is_told_apart(tmp_path: Path) -> None:
    runs = [make(tmp_path / name, {"elic": None}, device=device) for name, device in (("a", "cpu"), ("b", "cuda:0"))]
    figure = figure10(scaling_frames(runs))
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["ELIC (a, cpu)", "ELIC (b, cuda:0)"]
    styles = {line.get_linestyle() for line in figure.legends[0].get_lines()[:2]}
    assert len(styles) == 2


def test_a_report_keeps_scaling_apart_from_everything_else(run: Run, make_run: MakeRun, tmp_path: Path) -> None:
    plain = make_run(tmp_path / "plain", {"jpeg": 1.5})
    both = gather_report_data([plain, run], "none", "jpeg", "pchip")
    assert [one.name for one in both.runs] == ["plain"]
    assert [one.name for one in both.all_runs] == ["plain", "big"]
    assert (is_scaling(plain), is_scaling(run)) == (False, True)
    for frame in (both.points, both.latency, both.memory, both.complexity):
        assert "scale" not in set(frame.get("dataset", ()))
        assert "big" not in set(frame.run)
    assert both.failures.error.tolist() == ["decoder out of sync"]  # a limit is no failure


def test_a_memory_failure_of_another_run_stays_a_failure(make_run: MakeRun, tmp_path: Path) -> None:
    plain = make_run(tmp_path / "plain", {"jpeg": 1.5})
    failed = Record(
        codec="jpeg",
        quality=9,
        dataset="kodak",
        image="a",
        width=8,
        height=8,
        status="failed",
        error="x",
        failure="out_of_memory",
    )
    store = Store(plain.folder, {k: v for k, v in plain.info.items() if k != "schema"})
    store.records.append(failed)
    store.close()
    assert unexpected_failures(Run(plain.folder)).error.tolist() == ["x"]


def test_the_page_has_the_figure_and_the_tables(run: Run, make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "plain", {"jpeg": 1.5})
    chosen = {"published": "none", "anchor": "jpeg"}
    written = write_report([tmp_path / "plain", run.folder], tmp_path / "out", **chosen, memory_gib=[6])
    names = {path.name for path in written.files}
    assert {"figure10.svg", "scaling_sizes.csv", "scaling_fits.md", "scaling_largest.tex"} <= names
    html = written.index.read_text()
    assert 'id="scaling"' in html
    assert 'id="figure10"' in html
    assert "6 GiB" in html
    assert "8 GiB" not in html
    write_report([tmp_path / "plain"], tmp_path / "out", **chosen)
    assert not list((tmp_path / "out").rglob("*scaling*")) + list((tmp_path / "out").rglob("figure10*"))


def test_a_report_on_a_scaling_run_alone(run: Run, tmp_path: Path) -> None:
    written = write_report([run.folder], tmp_path / "out", published="none")
    assert {"scaling_sizes", "scaling_fits", "scaling_largest"} <= set(written.tables)


def test_without_scaling_runs_there_is_nothing() -> None:
    assert all(table.rows == [] for table in scaling_tables(scaling_frames([])))


@pytest.mark.parametrize(
    ("text", "sizes"), [("8", [8.0]), ("24, 0.5,24", [0.5, 24.0]), (cli_options.MEMORY_SIZES, [*MEMORY_GIB])]
)
def test_sizes_of_memory(text: str, sizes: list[float]) -> None:
    assert parse_memory_sizes(text) == sizes


@pytest.mark.parametrize("text", ["", "much", "0", "-8", "8,nan", "inf", "8GB"])
def test_sizes_of_memory_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"--memory-sizes .*allowed are numbers above 0"):
        parse_memory_sizes(text)
