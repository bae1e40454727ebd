"""Points, BD-rates and costs out of made-up runs whose numbers are known."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.images.known_datasets import read_manifest
from lic_bench.report.figures.codec_style import codec_style
from lic_bench.report.frames.bd_rates import Anchor, anchor_slugs, bd_frame
from lic_bench.report.frames.codec_costs import complexity_frame, failures_frame, latency_frame, memory_frame
from lic_bench.report.frames.rd_points import all_points, rd_points
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
LADDER = ((0.1, 28.0), (0.2, 30.5), (0.4, 33.0), (0.8, 35.5))  # bpp, PSNR in dB of a codec with factor 1


def test_points_are_means_over_images(make_run: MakeRun, tmp_path: Path) -> None:
    points = rd_points(make_run(tmp_path / "r", {"a": 1.0, "b": 0.5}))
    assert len(points) == 8
    first = points[points.codec == "b"].iloc[0]
    assert first.bpp == pytest.approx(0.5 * LADDER[0][0], rel=1e-3)
    assert first.bpp_total - first.bpp == pytest.approx(16 * 8 / (768 * 512))
    assert first.psnr_db == pytest.approx(LADDER[0][1])
    assert first.ms_ssim_db == pytest.approx(-10 * math.log10(1 - 0.92))
    assert (first.ms_ssim, first.n_images, first.n_failed) == (pytest.approx(0.92), 24, 0)
    assert (first.provenance, first.run, first.image_set) == ("measured", "r", "kodak")
    assert points.complete.all()


def test_random_weights_never_give_a_point(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"a": 1.0, "b": 1.0}, weights={"a": "random", "b": "0123abc"}, images=2)
    assert set(rd_points(run).codec) == {"b"}


def test_a_quality_with_a_failed_image_leaves_the_curve_over_all_images(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.9}, failing={("webp", 2, 5)})
    points = all_points([run], ["vtm-9.1"])
    bad = points[~points.complete].iloc[0]
    assert (bad.codec, bad.quality, bad.n_images, bad.n_failed) == ("webp", 2, 23, 1)
    assert bad.image_set == "kodak"
    row = bd_frame(points, [Anchor.parse("vtm-9.1")], "psnr_db").set_index("codec").loc["webp"]
    assert (row.n_points, row.anchor_curve, row.image_set) == (3, "published:vtm-9.1", "kodak")
    assert row.left_out == "Quality 2 left out: only 23 of the images were coded"


@pytest.mark.parametrize(
    ("dataset", "images", "size", "expected"),
    [
        ("kodak", 24, (512, 768), "kodak"),
        ("kodak", 24, (256, 256), "kodak [24 images, "),
        ("kodak", 1, (768, 512), "kodak [1 image, "),
        ("kodak@256", 24, (256, 256), "kodak@256 [24 images, "),
        ("clic", 41, (300, 200), "clic"),
    ],
)
def test_only_a_whole_data_set_bears_its_name(
    make_run: MakeRun, tmp_path: Path, dataset: str, images: int, size: tuple[int, int], expected: str
) -> None:
    run = make_run(tmp_path / "r", {"a": 1.0}, dataset=dataset, images=images, size=size)
    assert rd_points(run).image_set.str.startswith(expected).all()


def test_an_empty_run_has_no_points_and_no_costs(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {})
    assert [len(f(run)) for f in (rd_points, latency_frame, memory_frame, complexity_frame, failures_frame)] == [0] * 5


def test_bd_rate_against_the_published_anchor_needs_its_images(make_run: MakeRun, tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", {"jpeg": 1.0})
    four = make_run(tmp_path / "four", {"jpeg": 1.0}, images=4)
    points = all_points([whole, four], ["vtm-9.1"])
    rows = bd_frame(points, [Anchor.parse("vtm-9.1")], "psnr_db").set_index("run")
    assert rows.pchip.notna()["whole"]
    assert rows.isna().pchip["four"]
    assert rows.reason["four"] == (
        "Not comparable: VTM-9.1 is known over the 24 whole images of Kodak; this curve is over Kodak, 4 images."
    )


def test_curves_over_other_pictures_of_the_same_names_and_sizes_are_never_compared(
    make_run: MakeRun, tmp_path: Path
) -> None:
    sharp = make_run(tmp_path / "sharp", {"jpeg": 1.0}, dataset="val", images=2)
    same = make_run(tmp_path / "same", {"webp": 0.8}, dataset="val", images=2)
    soft = make_run(tmp_path / "soft", {"webp": 0.8}, dataset="val", images=2, pictures="blurred")
    rows = bd_frame(all_points([sharp, same, soft], []), [Anchor.parse("jpeg")], "psnr_db").set_index("run")
    assert rows.pchip["same"] == pytest.approx(-20, abs=0.01)
    assert math.isnan(rows.pchip["soft"])
    assert rows.reason["soft"] == (
        "Not comparable: JPEG is known over val, 2 images; this curve is over val, 2 images, of other pixels or sizes."
    )


def test_published_kodak_curves_are_over_the_known_pixels_alone(make_run: MakeRun, tmp_path: Path) -> None:
    warning = "kodak: im00.png and 23 more: not the known pixels (sha256 differs); get them again."
    known = make_run(tmp_path / "known", {"jpeg": 1.0})
    blurred = make_run(tmp_path / "blurred", {"jpeg": 1.0}, pictures="blurred", warnings=[warning])
    untold, originals = (make_run(tmp_path / name, {"jpeg": 1.0}) for name in ("untold", "originals"))
    for older in (untold, originals):
        del older.info["warnings"]
    use_original_files(originals)
    other = make_run(tmp_path / "other", {"jpeg": 1.0}, warnings=["kodak@256: 3 images", "clic: 3 images"])
    points = all_points([known, blurred, untold, other, originals], ["vtm-9.1"])
    rows = bd_frame(points, [Anchor.parse("vtm-9.1")], "psnr_db").set_index("run")
    assert rows.pchip.notna()[["known", "other", "originals"]].all()
    assert rows.pchip.isna()[["blurred", "untold"]].all()
    assert rows.reason["blurred"].endswith("this curve is over Kodak, 24 images, of other pixels or sizes.")


def use_original_files(run: Run) -> None:
    """Give the images of a run the names and hashes of the files as they are commonly passed on."""
    manifest = read_manifest("kodak")
    names = run.records.image.map(dict(zip(sorted(set(run.records.image)), sorted(manifest), strict=True)))
    run.records = run.records.assign(image=names, image_sha256=[manifest[name]["sha256"] for name in names])


@pytest.mark.parametrize(("dataset", "said"), [("tecnick", True), ("kodak", False)])
def test_where_the_published_pixels_are_not_known_a_note_says_so(
    make_run: MakeRun, tmp_path: Path, dataset: str, said: bool
) -> None:
    images, size = {"tecnick": (100, (1200, 1200)), "kodak": (24, (768, 512))}[dataset]
    run = make_run(tmp_path / "r", {"jpeg": 1.0}, dataset=dataset, images=images, size=size)
    rows = bd_frame(all_points([run], ["vtm-9.1"]), [Anchor.parse("vtm-9.1")], "psnr_db")
    note = rows[rows.run == "r"].anchor_note.iloc[0]
    assert ("pixels are not known here" in note) is said


def test_a_measured_anchor_of_the_same_run_wins(make_run: MakeRun, tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", {"jpeg": 1.0, "webp": 0.8}, dataset="sample", images=2)
    two = make_run(tmp_path / "two", {"jpeg": 2.0, "webp": 0.8}, dataset="sample", images=2)
    rows = bd_frame(all_points([one, two], []), [Anchor.parse("jpeg")], "psnr_db")
    webp = rows[rows.codec == "webp"].set_index("run")
    assert webp.pchip["one"] == pytest.approx(-20, abs=0.01)
    assert webp.pchip["two"] == pytest.approx(-60, abs=0.01)


def test_a_second_anchor_serves_where_the_first_is_not_comparable(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.8}, dataset="sample", images=2)
    points = all_points([run], ["vtm-9.1", "lalic"])
    rows = bd_frame(points, Anchor.parse_all("vtm-9.1, jpeg"), "psnr_db").set_index(["codec", "dataset"])
    assert rows.loc[("webp", "sample"), ["anchor", "pchip"]].tolist() == ["JPEG", pytest.approx(-20, abs=0.01)]
    assert rows.loc[("lalic", "kodak"), ["anchor", "pchip"]].tolist() == ["VTM-9.1", pytest.approx(-15.26, abs=0.005)]
    assert rows.loc[("jpeg", "sample"), "pchip"] == pytest.approx(0)


def test_published_and_measured_anchors_can_be_told_apart(make_run: MakeRun, tmp_path: Path) -> None:
    points = all_points([make_run(tmp_path / "r", {"vtm-9.1": 1.0})], ["vtm-9.1", "lalic"])

    def anchor_of(text: str) -> str:
        rows = bd_frame(points, [Anchor.parse(text)], "psnr_db")
        return str(rows[(rows.codec == "lalic") & (rows.dataset == "kodak")].anchor_curve.iloc[0])

    assert anchor_of("vtm-9.1") == "published:vtm-9.1"
    assert anchor_of("measured:vtm-9.1") == "r:vtm-9.1:cpu"
    assert Anchor.parse("jpeg").measured_first


def test_a_target_is_an_anchor_and_has_its_own_label(make_run: MakeRun, tmp_path: Path) -> None:
    points = rd_points(make_run(tmp_path / "r", {"my.net:small": 1.0, "my.net:small:padding=128": 0.9}))
    assert set(points.label) == {"small (my.net)", "small:padding=128 (my.net)"}
    for text in ("my.net:small", "measured:my.net:small"):
        rows = bd_frame(points, [Anchor.parse(text)], "psnr_db").set_index("codec")
        assert rows.loc["my.net:small:padding=128", "anchor"] == "small (my.net)"
        assert rows.loc["my.net:small:padding=128", "pchip"] == pytest.approx(-10, abs=0.01)


def test_codecs_of_your_own_look_different() -> None:
    targets = [f"my.net:version{number}" for number in range(1, 5)]
    assert len({codec_style(target) for target in targets}) == len(targets)
    assert codec_style("my.net:version1") == codec_style("my.net:version1-msssim")


def test_an_unknown_anchor_is_refused() -> None:
    with pytest.raises(UserError, match=r"Unknown anchor 'vtm-9'\. Did you mean 'vtm-9.1'"):
        anchor_slugs(Anchor.parse("vtm-9"), [])
    with pytest.raises(UserError, match="Unknown anchor 'jpeg'"):
        anchor_slugs(Anchor.parse("measured:jpeg"), ["webp"])
    with pytest.raises(UserError, match="Unknown source of the anchor 'measurd'"):
        Anchor.parse("measurd:jpeg")


def test_a_curve_that_falls_is_thinned_and_says_so() -> None:
    points = all_points([], ["vtm-9.1", "mbt2018-paper-msssim"])
    points.loc[points.codec == "mbt2018-paper-msssim", "metric_optimised_for"] = "mse"
    rows = bd_frame(points, [Anchor.parse("vtm-9.1")], "psnr_db").set_index("codec")
    assert rows.left_out["mbt2018-paper-msssim"] == (
        "Left out, as a point that costs no more is as good: 34.07 dB at 0.604 bpp, 37.47 dB at 1.138 bpp"
    )


def test_latency_is_the_mean_over_images_of_the_median_over_repeats(make_run: MakeRun, tmp_path: Path) -> None:
    frame = latency_frame(make_run(tmp_path / "r", {"a": 1.0}, weights={"a": "random"}, images=3))
    row = frame[(frame.quality == 2) & (frame.operation == "decode")].iloc[0]
    assert row.median_s == pytest.approx(0.04)
    assert (row.p10_s, row.p90_s) == (pytest.approx(0.0312), pytest.approx(0.0488))
    assert row.s_per_mp == pytest.approx(0.04 / (0.768 * 0.512))
    assert (row.cold_start_s, row.n_images, row.n_samples, row.weights) == (2.0, 3, 15, "random")


def test_memory_complexity_and_failures(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"a": 1.0}, weights={"a": "random"}, images=2, failing={("a", 1, 0)})
    peaks = memory_frame(run)
    assert peaks[peaks.what == "encode_rss_growth"].bytes.eq(400_000_000).all()
    counts = complexity_frame(run).set_index("counter")
    assert counts.uncounted["thop"] == "BiWKV x 20"
    assert counts.macs["exact"] == 286_160_000_000
    failed = failures_frame(run).iloc[0]
    assert (failed.codec, failed.quality, failed.image, failed.error) == ("a", 1, "im00.png", "decoder out of sync")
