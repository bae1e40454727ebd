"""The published data: complete, found, chosen by name, and exchanged with CompressAI's files."""

import pandas as pd
import pytest

from lic_bench.errors import UserError
from lic_bench.rate_distortion import published

PAPER = [
    "vtm-9.1",
    "minnen2020",
    "cheng2020-parallel",
    "elic",
    "mambavc",
    "tcm-large",
    "fat",
    "mlic-plus-plus",
    "lalic",
]


def test_all_files_load_with_their_provenance() -> None:
    points = published.load_points(published.choose_slugs("all"))
    assert points.groupby("dataset").codec.nunique().to_dict() == {"clic": 47, "kodak": 97, "tecnick": 43}
    assert list(points.columns) == published.COLUMNS
    assert (points.bpp > 0).all()
    assert points[["psnr_db", "ms_ssim_db", "ms_ssim"]].notna().any(axis=1).all()
    assert points.source.str.len().gt(0).all()
    assert set(points.provenance) == {"published"}
    assert set(points.metric_optimised_for.dropna()) == {"mse", "ms-ssim"}


def test_table_1_is_the_printed_one() -> None:
    table = published.printed_table1()
    assert list(table.index) == PAPER
    assert table.loc["lalic", ["enc_s", "dec_s", "mem_g", "flops_g", "params_m"]].tolist() == [
        *(0.274, 0.150, 0.841, 286.16, 63.24)
    ]
    assert table.dec_s_printed["fat"] == ">10.000"
    assert pd.isna(table.dec_s["fat"])
    assert table.bd_clic["tcm-large"] == -9.41


def test_test_sets() -> None:
    assert published.test_sets()["kodak"] == published.TestSet(24, (768, 512))
    assert published.test_sets()["clic"] == published.TestSet(41, None)


def test_choosing() -> None:
    assert list(published.choose_slugs("paper")) == PAPER
    assert published.choose_slugs("paper", "ms_ssim_db") == (
        "vtm-9.1-lalic",
        "elic-mse-on-msssim",
        "fat-msssim",
        "lalic-msssim",
    )
    assert published.choose_slugs("none") == ()
    assert published.choose_slugs("lalic, elic,lalic") == ("lalic", "elic")
    assert len(published.choose_slugs("all")) == len(published.list_published()) == 103


def test_an_unknown_slug_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"Unknown published codec 'lalik'\. Did you mean 'lalic'"):
        published.choose_slugs("lalik")
    with pytest.raises(UserError, match="Did you mean 'mambavc'"):
        published.load_points(["mambavv"])


def test_listing() -> None:
    entry = next(e for e in published.list_published() if e.slug == "mlic-plus-plus")
    assert (entry.label, entry.datasets, entry.points) == ("MLIC++", "clic 6, kodak 6, tecnick 6", 18)
    assert entry.origin == "authors"
    assert "MLIC@" in entry.source


def test_labels_are_the_papers() -> None:
    assert [published.published_label(s) for s in ("lalic", "elic", "minnen2020")] == ["LALIC", "ELIC", "Minnen20"]
    assert published.published_label("no-such") is None
