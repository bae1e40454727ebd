"""What the figures draw: which curves, in which look, without overlaps."""

import itertools

import pandas as pd
import pytest

from lic_bench.codecs.registry import installed_codecs
from lic_bench.codecs.variants import VARIANTS
from lic_bench.rate_distortion import published
from lic_bench.report.figures.codec_style import MARKERS, _base, codec_style, colour_distance
from lic_bench.report.figures.figure1 import figure1
from lic_bench.report.figures.rd_figure import rd_figure
from lic_bench.report.figures.report_figures import highlighted_codecs
from lic_bench.report.frames.bd_against_latency import COLUMNS
from lic_bench.report.frames.rd_points import published_points
from lic_bench.report.frames.report_data import gather_report_data


def labels(figure: object) -> list[str]:
    legend = figure.axes[0].get_legend()  # type: ignore[attr-defined]
    return [text.get_text() for text in legend.get_texts()]


def measured(points: pd.DataFrame, run: str) -> pd.DataFrame:
    return points.assign(provenance="measured", run=run, device="cpu", curve=f"{run}:" + points.codec)


def test_published_curves_are_dashed_and_hollow_measured_ones_solid_and_filled() -> None:
    theirs = published_points(["lalic", "elic"])
    both = pd.concat([theirs, measured(theirs[theirs.codec == "lalic"], "mine")])
    figure = rd_figure(both, "kodak", "psnr_db")
    assert labels(figure) == ["LALIC", "LALIC (published)", "ELIC (published)"]
    mine, dashed = figure.axes[0].lines[:2]
    assert (mine.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    assert dashed.get_markerfacecolor() == "white"
    assert mine.get_color() == dashed.get_color() == codec_style("lalic").colour


def test_a_codec_measured_twice_names_its_run() -> None:
    theirs = published_points(["elic"])
    figure = rd_figure(pd.concat([measured(theirs, "one"), measured(theirs, "two")]), "kodak", "psnr_db")
    assert labels(figure) == ["ELIC (one, cpu)", "ELIC (two, cpu)"]
    one, two = figure.axes[0].lines
    assert (one.get_linestyle(), two.get_linestyle()) == ("-", "--")
    assert (one.get_markerfacecolor(), two.get_markerfacecolor()) == (one.get_color(), "none")


def test_a_variant_has_its_bases_colour_a_line_of_its_own_and_empty_markers_around_the_bases() -> None:
    mine = measured(published_points(["lalic"]), "mine")
    variants = [mine.assign(codec=name, curve=name) for name in ("lalic@bf16", "lalic@bf16@compile")]
    plain, bf16, both = rd_figure(pd.concat([mine, *variants]), "kodak", "psnr_db").axes[0].lines
    assert plain.get_color() == bf16.get_color() == both.get_color()
    assert plain.get_marker() == bf16.get_marker() == both.get_marker()
    assert (plain.get_linestyle(), bf16.get_linestyle(), both.get_linestyle()) == ("-", "--", "--")
    assert bf16.get_markerfacecolor() == both.get_markerfacecolor() == "none"
    assert plain.get_markersize() < bf16.get_markersize() < both.get_markersize()


def test_every_variant_has_dashes_of_its_own() -> None:
    dashes = [codec_style(f"lalic@{name}").dashes for name in VARIANTS]
    assert len(set(dashes)) == len(VARIANTS)
    assert codec_style("elic-msssim@bf16").colour == codec_style("elic").colour
    assert codec_style("lalic").dashes == ()


def test_of_many_curves_only_the_highlighted_ones_are_named() -> None:
    points = published_points(published.choose_slugs("all"))
    figure = rd_figure(points, "kodak", "psnr_db", published.choose_slugs("paper"))
    named = labels(figure)
    assert named[0] == "VTM-9.1 (published)"
    assert len(named) == 10
    assert named[-1].endswith("more (published)")


def test_axes_end_where_the_second_longest_curve_ends() -> None:
    points = published_points(["vtm-9.1", "lalic", "elic"])
    right = rd_figure(points, "kodak", "psnr_db").axes[0].get_xlim()[1]
    assert 0.86 < right < 1.0  # VTM alone goes on to 3.6 bpp


def test_points_that_are_not_complete_are_not_drawn() -> None:
    points = published_points(["lalic"]).assign(complete=False)
    assert not rd_figure(points, "kodak", "psnr_db").axes[0].lines


def test_looks_belong_to_codecs() -> None:
    paper = [codec_style(codec) for codec in published.choose_slugs("paper")]
    assert len({style.colour for style in paper}) == len({style.marker for style in paper}) == 9
    for codec in ("lalic", "fat", "mlic-plus-plus"):
        assert codec_style(f"{codec}-msssim") == codec_style(codec)
    assert codec_style("a codec nobody knows").colour.startswith("#")
    assert codec_style("a codec nobody knows") == codec_style("a codec nobody knows")


def test_known_codecs_have_markers_of_their_own_as_long_as_there_are_some_then_far_colours() -> None:
    known = {*published.printed_table1().index, *map(_base, installed_codecs())}
    looks = {codec: codec_style(codec) for codec in known}
    assert len({style.marker for style in looks.values()}) == min(len(known), len(MARKERS))
    for one, other in itertools.combinations(looks.values(), 2):
        assert one.marker != other.marker or colour_distance(one.colour, other.colour) > 200


def test_no_two_published_codecs_look_the_same() -> None:
    bases = {_base(entry.slug) for entry in published.list_published()} | set(map(_base, installed_codecs()))
    assert len({codec_style(codec) for codec in bases}) == len(bases)


def test_the_distance_of_colours() -> None:
    assert colour_distance("#123456", "#123456") == 0
    assert colour_distance("#000000", "#ffffff") == pytest.approx(765, abs=1)
    assert colour_distance("#00798c", "#2a9d8f") < colour_distance("#00798c", "#d1495b")


NAMES = ["codec", "label", "provenance", "device", "seconds", "lower_bound", "bd_rate", "params_m", "networks_only"]
ROWS = [
    ("lalic", "LALIC", "published", "RTX 4090", 0.150, False, -15.26, 63.2, False),
    ("tcm-large", "TCM-large", "published", "RTX 4090", 0.151, False, -11.73, 75.9, False),
    ("fat", "FAT", "published", "RTX 4090", 10.0, True, -14.56, 69.8, False),
    ("vtm-9.1", "VTM-9.1", "published", "RTX 4090", 0.177, False, 0.0, None, False),
    ("lalic", "LALIC", "measured", "Example GPU", 0.08, False, -15.26, 63.2, True),
    ("jpeg", "JPEG", "measured", "Example CPU", 0.003, False, 300.0, None, False),
    ("elic", "ELIC", "measured", "Example GPU", None, False, -7.0, 33.0, False),
]


def test_figure_1_names_every_codec_with_both_numbers_and_overlaps_nothing() -> None:
    figure = figure1(pd.DataFrame(ROWS, columns=NAMES).reindex(columns=COLUMNS), "Kodak")
    axes = figure.axes[0]
    texts = [text for text in axes.texts if text.get_text()]
    assert sorted(text.get_text() for text in texts) == [
        *("FAT (>10 s)", "JPEG (+300 %)", "LALIC", "LALIC", "TCM-large", "VTM-9.1")
    ]
    boxes = [text.get_window_extent() for text in texts]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert axes.get_xscale() == "log"
    assert axes.yaxis_inverted()  # savings upward
    kinds = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "measured, Example GPU (random weights, published BD-rate)" in kinds
    assert "published, RTX 4090" in kinds


def test_figure_1_of_nothing_is_empty() -> None:
    assert not figure1(pd.DataFrame([], columns=COLUMNS), "Kodak").axes[0].collections


def test_of_all_published_curves_the_best_and_the_papers_are_named() -> None:
    data = gather_report_data([], "all", "vtm-9.1", "pchip")
    named = highlighted_codecs(data, data.points[data.points.dataset == "kodak"], "psnr_db")
    assert named[:2] == ("hpcm-large", "glic")
    assert {"dcae", "lalic", "vtm-9.1"} <= {*named}
    assert len(named) <= 16
