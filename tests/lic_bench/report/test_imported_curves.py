"""Imported curves in a report, beside runs and published curves."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.rate_distortion import published
from lic_bench.report.frames.bd_rates import bd_rate_of
from lic_bench.report.frames.report_data import ReportData, gather_report_data
from lic_bench.report.tables.table1 import table1
from lic_bench.report.write_report import write_report
from lic_bench.store.mean_curves import Imported, MeanCurve, write_curves
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


def imported(folder: Path, *curves: MeanCurve) -> Imported:
    write_curves(folder, list(curves))
    return Imported(folder)


def curve(codec: str, factor: float = 1.0, dataset: str = "kodak", **more: str) -> MeanCurve:
    """The published points of ELIC on Kodak, with so many times the bits."""
    points = published.load_points(["elic"])
    points = points[points.dataset == "kodak"]
    values = [
        {"bpp": factor * b, "psnr_db": q, "encode_s": 2.0} for b, q in zip(points.bpp, points.psnr_db, strict=True)
    ]
    return MeanCurve(codec=codec, label=codec.upper(), dataset=dataset, points=values, sources=["x.csv"], **more)


def gather(item: Imported, anchor: str = "vtm-9.1", runs: Sequence[Run] = (), which: str = "none") -> ReportData:
    return gather_report_data(runs, which, anchor, "pchip", [item])


def test_the_bd_rate_is_that_of_the_same_points_published(tmp_path: Path) -> None:
    data = gather(imported(tmp_path / "theirs", curve("elic")), which="elic")
    for name in ("imported:theirs:elic", "published:elic"):
        assert bd_rate_of(data.bd, name, "kodak", "pchip") == pytest.approx(-7.02, abs=0.005)


@pytest.mark.parametrize("anchor", ["mine", "imported:mine"])
def test_an_imported_curve_may_be_the_anchor(make_run: MakeRun, tmp_path: Path, anchor: str) -> None:
    item = imported(tmp_path / "theirs", curve("mine", measured_by="them"), curve("more", 1.1))
    data = gather(item, anchor, [make_run(tmp_path / "run", {"jpeg": 1.0})])
    assert bd_rate_of(data.bd, "imported:theirs:more", "kodak", "pchip") == pytest.approx(10)
    (note,) = data.bd.anchor_note[(data.bd.codec == "jpeg") & (data.bd.metric == "psnr_db")]
    assert note == "Against MINE as imported (theirs), not measured here: measured by: them; x.csv."
    assert table1(data).caption.startswith("BD-rate against MINE by pchip")


def test_an_unknown_anchor_offers_those_that_were_imported(tmp_path: Path) -> None:
    item = imported(tmp_path / "theirs", curve("mine"))
    with pytest.raises(UserError, match=r"Unknown anchor 'mime'\. Did you mean 'mine'"):
        gather(item, "imported:mime")
    with pytest.raises(UserError, match="Unknown anchor 'mine'"):
        gather(item, "measured:mine")


def test_other_pictures_are_not_compared(make_run: MakeRun, tmp_path: Path) -> None:
    """A data set that is not one of the published ones is comparable within what is imported, and with nothing else."""
    item = imported(tmp_path / "theirs", curve("mine", dataset="street"), curve("more", 0.9, dataset="street"))
    data = gather(item, "mine", [make_run(tmp_path / "run", {"jpeg": 1.0}, dataset="street", images=2)])
    assert bd_rate_of(data.bd, "imported:theirs:more", "street", "pchip") == pytest.approx(-10)
    (reason,) = data.bd.reason[(data.bd.codec == "jpeg") & (data.bd.metric == "psnr_db")]
    assert reason == "Not comparable: mine is known over street, imported; this curve is over street, 2 images."


def test_fewer_images_than_the_data_set_has_are_not_all_of_it(tmp_path: Path) -> None:
    four = curve("mine")
    for point in four.points:
        point["n_images"] = 4
    data = gather(imported(tmp_path / "theirs", four))
    assert bd_rate_of(data.bd, "imported:theirs:mine", "kodak", "pchip") is None
    assert data.bd.reason[data.bd.codec == "mine"].iloc[0].endswith("this curve is over Kodak, imported.")


def test_the_report_shows_them_with_their_source(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "run", {"jpeg": 1.0})
    trained = curve("other", metric_optimised_for="ms-ssim")
    item = imported(tmp_path / "theirs", curve("mine", measured_by="them"), trained)
    written = write_report([tmp_path / "run", item.folder], tmp_path / "out", published="elic")
    rows = written.tables["table1"].frame()
    assert list(rows.provenance) == ["published", "published", "imported", "measured"]
    row = rows[rows.provenance == "imported"].iloc[0]
    assert (row.method, row.source, row.enc_s) == ("MINE", "theirs (imported)", 2.0)
    sources = written.tables["sources"].frame().set_index("slug")
    assert sources.source["mine"] == "measured by: them; x.csv"
    assert sources.origin["other"] == "imported"
    page = written.index.read_text()
    assert "Imported, measured elsewhere, means only: theirs." in page
    assert "MINE (imported)" in page


def test_imported_curves_need_no_run(tmp_path: Path) -> None:
    item = imported(tmp_path / "theirs", curve("mine"))
    written = write_report([item.folder], tmp_path / "out", published="none")
    assert list(written.tables["table1"].frame().method) == ["VTM-9.1", "MINE"]


def test_folders_of_one_name_are_told_apart(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "a" / "x", {"jpeg": 1.0})
    imported(tmp_path / "b" / "x", curve("mine"))
    written = write_report([tmp_path / "a" / "x", tmp_path / "b" / "x"], tmp_path / "out", published="none")
    assert list(written.tables["table1"].frame().source)[-2:] == ["b/x (imported)", "a/x"]


def test_many_imported_curves_are_thin_grey_lines(tmp_path: Path) -> None:
    item = imported(tmp_path / "theirs", *(curve(f"c{number}", 1 + number / 10) for number in range(20)))
    written = write_report([item.folder], tmp_path / "out", published="none")
    assert "20 more (imported)" in written.index.read_text()
