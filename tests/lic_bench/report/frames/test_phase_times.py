"""Where the time goes, in reports: the typical repetition, sums that hold, the table, the bars, and what is marked."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lic_bench.report.figures.phase_bars import HATCH, NETWORK, REST, phase_bars
from lic_bench.report.figures.report_figures import report_figures
from lic_bench.report.frames.phase_times import mean_over_qualities, merge_slices, phase_times
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.tables.phases_table import RANDOM, phases_table
from lic_bench.report.tables.table import Cell, Table
from lic_bench.report.write_report import write_report
from lic_bench.store.records import Record
from lic_bench.store.run_folder import Run, Store

# Seconds of three repetitions; the totals are 1.0, 3.0 and 1.4, so the last one is typical.
DECODE = {
    "g_s": [0.5, 1.0, 0.7],
    "context 0": [0.1, 0.5, 0.2],
    "context 1": [0.1, 0.5, 0.1],
    "entropy coder": [0.2, 0.7, 0.2],
    "copies": [0.05, 0.2, 0.1],
    "other": [0.05, 0.1, 0.1],
    "total": [1.0, 3.0, 1.4],
}
ENCODE = {"g_a": [0.4], "entropy coder": [0.1], "copies": [0.0], "other": [0.0], "total": [0.5]}


def record(codec: str, image: str, factor: float = 1.0, quality: int = 1, weights: str | None = "abc") -> Record:
    found = {f"decode/{name}": [factor * s for s in samples] for name, samples in DECODE.items()}
    found |= {f"encode/{name}": samples for name, samples in ENCODE.items()}
    common = {"dataset": "kodak", "width": 768, "height": 512, "status": "ok", "payload_bytes": 9, "header_bytes": 1}
    times = {} if codec == "jpeg" else {"phases_s": found}
    return Record(codec=codec, image=image, quality=quality, weights=weights, decode_s=[1.0], **common, **times)


def run_of(folder: Path, *records: Record) -> Run:
    store = Store(folder, {"config": {"codecs": ["lalic"]}, "environment": {"cpu": "Example CPU"}})
    for row in records:
        store.records.append(row)
    store.close()
    return Run(folder)


def seconds(frame: pd.DataFrame, operation: str) -> Mapping[str, float]:
    mine = frame[frame.operation == operation]
    return dict(zip(mine.phase, mine.seconds, strict=True))


def cell(table: Table, method: str, operation: str, key: str) -> Cell:
    rows = [r.cells for r in table.rows if (r.cells["method"].text, r.cells["operation"].text) == (method, operation)]
    assert len(rows) == 1
    return rows[0][key]


def test_of_each_image_the_median_repetition_counts_then_the_mean(tmp_path: Path) -> None:
    frame = phase_times(run_of(tmp_path, record("lalic", "a"), record("lalic", "b", factor=2.0)))
    found = seconds(frame, "decode")
    assert found["g_s"] == pytest.approx(0.7 * 1.5)
    assert found["total"] == pytest.approx(1.4 * 1.5)
    assert sum(found.values()) == pytest.approx(2 * found["total"])  # the parts, and their total
    assert set(frame.n_images) == {2}
    assert set(frame[frame.operation == "decode"].n_samples) == {6}
    assert seconds(frame, "encode").keys() == ENCODE.keys()


def test_of_two_repetitions_the_faster_one_is_typical(tmp_path: Path) -> None:
    two = {name: samples[:2] for name, samples in DECODE.items()}
    values = replace(record("lalic", "a"), phases_s={f"decode/{k}": v for k, v in two.items()})
    assert seconds(phase_times(run_of(tmp_path, values)), "decode")["total"] == 1.0


def test_samples_of_which_nobody_knows_what_belongs_together_are_left_out(tmp_path: Path) -> None:
    row = record("lalic", "a")
    uneven = replace(row, image="b", phases_s=row.phases_s | {"decode/context 1": [9.0]})
    frame = phase_times(run_of(tmp_path, row, uneven))
    assert seconds(frame, "decode")["total"] == pytest.approx(1.4)
    assert set(frame[frame.operation == "decode"].n_images) == {1}


def test_records_without_phases_and_failed_ones_have_no_rows(tmp_path: Path) -> None:
    failed = replace(record("elic", "a"), status="failed", error="NaN")
    frame = phase_times(run_of(tmp_path, record("jpeg", "a", weights=None), failed))
    assert frame.empty
    assert not phases_table(frame).rows


def test_slices_are_one_context_model() -> None:
    names = ("context", "context 0", "context 12", "g_a", "h_s", "entropy coder", "refine 3", "context-free")
    assert [merge_slices(name) for name in names] == [
        *("context model",) * 3,
        *("g_a", "h_s", "entropy coder", "refine", "context-free"),
    ]


def test_the_table_says_what_network_and_coder_take(tmp_path: Path) -> None:
    table = phases_table(phase_times(run_of(tmp_path, record("lalic", "a"), record("elic", "a", weights="random"))))
    shown = {key: cell(table, "LALIC", "decode", key).text for key in ("total_ms", "network_ms", "network_pct")}
    assert shown == {"total_ms": "1400.0", "network_ms": "1000.0", "network_pct": "71.4"}
    assert cell(table, "LALIC", "decode", "entropy_coder_pct").value == pytest.approx(100 / 7)
    assert cell(table, "LALIC", "decode", "copies_ms").text == "100.0"
    assert cell(table, "LALIC", "decode", "other_ms").text == "100.0"
    assert cell(table, "LALIC", "decode", "largest").text == "g_s, 50 %"
    assert cell(table, "LALIC", "decode", "parts_ms").text == "context 0 200.0, context 1 100.0, g_s 700.0"
    assert cell(table, "LALIC", "encode", "network_pct").text == "80.0"
    assert cell(table, "LALIC", "decode", "source").text.endswith("(cpu)")


def test_the_total_stands_beside_the_latency_of_the_same_images(tmp_path: Path) -> None:
    timed = replace(record("lalic", "a"), decode_s=[2.0, 3.5, 2.8])
    untimed = replace(record("elic", "a"), decode_s=[])
    without_phases = replace(record("lalic", "b"), phases_s={}, decode_s=[99.0])
    table = phases_table(phase_times(run_of(tmp_path, timed, untimed, without_phases)))
    assert cell(table, "LALIC", "decode", "of_latency_pct").text == "50"
    assert cell(table, "ELIC", "decode", "of_latency_pct").text == "-"
    assert cell(table, "LALIC", "encode", "of_latency_pct").text == "-", "encoding was not timed"


def test_the_coders_time_is_marked_where_weights_are_random(tmp_path: Path) -> None:
    table = phases_table(phase_times(run_of(tmp_path, record("lalic", "a"), record("elic", "a", weights="random"))))
    for key in ("entropy_coder_ms", "entropy_coder_pct"):
        assert cell(table, "ELIC", "decode", key).notes == (RANDOM,)
        assert cell(table, "LALIC", "decode", key).notes == ()
    assert cell(table, "ELIC", "decode", "network_ms").notes == ()


def test_bars_are_means_over_qualities_and_name_the_run_where_needed(tmp_path: Path) -> None:
    rows = record("lalic", "a"), record("lalic", "a", factor=3.0, quality=2)
    one, two = (phase_times(run_of(tmp_path / name, *rows)) for name in ("one", "two"))
    bars = mean_over_qualities(one)
    assert set(bars.name) == {"LALIC"}
    assert seconds(bars, "decode")["total"] == pytest.approx(2.8)
    both = mean_over_qualities(pd.concat([one, two]))
    assert set(both.name) == {"LALIC (one, cpu)", "LALIC (two, cpu)"}
    assert mean_over_qualities(one.iloc[:0]).empty


def bars_of(tmp_path: Path) -> pd.DataFrame:
    rows = record("lalic", "a", factor=2.0), record("elic", "a", weights="random")
    frame = mean_over_qualities(phase_times(run_of(tmp_path, *rows)))
    return frame[frame.operation == "decode"]


def test_bars_begin_where_the_part_before_ends_and_end_at_the_total(tmp_path: Path) -> None:
    figure = phase_bars(bars_of(tmp_path))
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["ELIC", "LALIC"]  # the fastest on top
    for axes, ends in ((left, (1400, 2800)), (right, (100, 100))):
        for at, end in enumerate(ends):
            parts = [p for p in axes.patches if round(p.get_y() + p.get_height() / 2) == at]
            for before, part in pairwise(parts):
                assert part.get_x() == pytest.approx(before.get_x() + before.get_width())
            assert parts[-1].get_x() + parts[-1].get_width() == pytest.approx(end)
    assert {text.get_text() for text in left.texts} == {"1400", "2800"}
    assert "50" in {text.get_text() for text in right.texts}


def test_colours_tell_network_coder_and_copies_apart(tmp_path: Path) -> None:
    figure = phase_bars(bars_of(tmp_path))
    left = figure.axes[0]
    hatched = [p for p in left.patches if p.get_hatch() == HATCH]
    assert [to_hex(p.get_facecolor()) for p in hatched] == [REST["entropy coder"]]
    assert round(hatched[0].get_y() + 0.4) == 0  # ELIC's, whose weights are random
    assert read(figure) == [
        *("context model", "g_s", "entropy coder", "entropy coder, random weights"),
        *("copies", "other"),
    ]
    for colour in NETWORK.values():
        assert int(colour[5:], 16) > int(colour[1:3], 16)  # more blue than red
    assert all(int(REST[name][1:3], 16) > int(REST[name][5:], 16) for name in ("entropy coder", "copies"))


def read(figure: Figure) -> list[str]:
    """The legend's texts as one reads them: row by row, from left to right."""
    figure.draw_without_rendering()
    texts = [(text.get_window_extent(), text.get_text()) for text in figure.legends[0].get_texts()]
    return [text for _, text in sorted(texts, key=lambda item: (-round(item[0].y0 / 5), item[0].x0))]


def test_the_legend_has_the_order_of_the_bars_and_nothing_that_takes_no_time() -> None:
    names = ("g_a", "h_a", "h_s", "context 0", "g_s", "refine", "entropy coder", "copies", "other")
    rows = [{"name": "A", "weights": "loaded", "phase": p, "seconds": float(p != "copies")} for p in names]
    figure = phase_bars(pd.DataFrame([*rows, {"name": "A", "weights": "loaded", "phase": "total", "seconds": 8.0}]))
    assert read(figure) == ["g_a", "h_a", "h_s", "context model", "g_s", "refine", "entropy coder", "other"]
    assert len(figure.axes[0].patches) == 8


def test_parts_by_names_of_a_codecs_own_have_colours_of_their_own() -> None:
    names = ("g_s", "refine", "denoise", "entropy coder", "total")
    rows = [{"name": "A", "weights": "loaded", "phase": p, "seconds": 1.0 + 3 * (p == "total")} for p in names]
    figure = phase_bars(pd.DataFrame(rows))
    assert len({to_hex(p.get_facecolor()) for p in figure.axes[0].patches}) == 4
    assert "entropy coder, random weights" not in {t.get_text() for t in figure.legends[0].get_texts()}


def test_numbers_and_names_do_not_overlap_in_a_figure_of_many_codecs() -> None:
    parts = {"h_s": 1, "g_s": 5, "entropy coder": 3, "other": 1, **{f"context {i}": 1 for i in range(10)}, "total": 20}
    rows = [
        {"name": f"Codec with a name {i}", "weights": "random", "phase": p, "seconds": s * (i + 1) / 100}
        for i in range(12)
        for p, s in parts.items()
    ]
    figure = phase_bars(pd.DataFrame(rows))
    figure.draw_without_rendering()
    left, right = figure.axes
    boxes = [text.get_window_extent() for text in (*left.get_yticklabels(), *left.texts)]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    width, height = figure.bbox.width, figure.bbox.height
    for box in (*boxes, *(text.get_window_extent() for text in right.texts), figure.legends[0].get_window_extent()):
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height


def test_the_report_has_table_and_both_figures_once_there_are_phases(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", record("lalic", "a", weights="random"), record("jpeg", "a", weights=None))
    names = [drawn.name for drawn in report_figures(gather_report_data([run], "none", "vtm-9.1", "pchip"))]
    assert names == ["phases_decode", "phases_encode"]
    written = write_report([run.folder], tmp_path / "out", published="none")
    there = {str(path.relative_to(tmp_path / "out")) for path in written.files}
    assert {"phases.md", "phases.csv", "figures/phases_decode.svg", "figures/phases_encode.png"} <= there
    page = written.index.read_text()
    assert "Where the time of decoding goes, on Kodak" in page
    assert [row.cells["method"].text for row in written.tables["phases"].rows] == ["LALIC", "LALIC"]


def test_figures_of_an_earlier_report_go(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_report([run_of(tmp_path / "with", record("lalic", "a")).folder], out, published="none")
    assert (out / "figures" / "phases_decode.svg").exists()
    write_report([run_of(tmp_path / "without", record("jpeg", "a", weights=None)).folder], out, published="none")
    assert not list(out.rglob("phases*"))
