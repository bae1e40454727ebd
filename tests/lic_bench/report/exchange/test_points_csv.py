"""Points as plain CSV: read, written, read again; and what is no such file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.report.exchange.points_csv import TEXTS, read, write
from lic_bench.store.mean_curves import MeanCurve

PATH = Path("mine.csv")


def test_a_small_file_needs_two_columns_and_the_data_set() -> None:
    (curve,) = read("bpp,psnr_db\n0.1,28\n 0.2 ,30.5\n", PATH, "kodak")
    assert (curve.codec, curve.label, curve.dataset) == ("mine", "mine", "kodak")
    assert curve.points == [{"bpp": 0.1, "psnr_db": 28.0}, {"bpp": 0.2, "psnr_db": 30.5}]


def test_a_file_may_hold_several_curves_in_any_order() -> None:
    lines = ["a,kodak,0.1,28,", "b,kodak,0.1,,0.9", "a,clic,0.1,27,", "a,kodak,0.2,30,0.95"]
    text = "\n".join(["codec,dataset,bpp,psnr_db,ms_ssim", *lines])
    a, b, clic = read(text, PATH, None)
    assert [(c.codec, c.dataset, len(c.points)) for c in (a, b, clic)] == [
        *(("a", "kodak", 2), ("b", "kodak", 1), ("a", "clic", 1))
    ]
    assert b.points == [{"bpp": 0.1, "ms_ssim": 0.9}]


def test_other_columns_are_kept_if_they_are_numbers() -> None:
    (curve,) = read("bpp,psnr_db,vmaf,remark\n0.1,28,80,good\n", PATH, "kodak")
    assert curve.points == [{"bpp": 0.1, "psnr_db": 28.0, "vmaf": 80.0}]


def test_a_perceptual_metric_is_enough_for_a_curve() -> None:
    (curve,) = read("bpp,ssimulacra2\n0.1,-3\n0.2,40\n", PATH, "kodak")
    assert [point["ssimulacra2"] for point in curve.points] == [-3.0, 40.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no 'bpp'. It has: nothing"),
        ("bpp,psnr_db\n", "has no points"),
        ("rate,psnr_db\n0.1,28\n", "no 'bpp'. It has: rate, psnr_db"),
        ("BPP,psnr_db\n0.1,28\n", "Is 'BPP' to be 'bpp'?"),
        ("bpp,PSNR\n0.1,28\n", "no 'psnr_db' or 'ms_ssim_db' or 'ms_ssim'. Is 'PSNR' to be 'psnr_db'?"),
        ("bpp,vmag\n0.1,80\n", "no 'psnr_db' or 'ms_ssim_db' or 'ms_ssim'. It has: bpp, vmag"),
        ("bpp,vmaf\n0.1,120\n", "line 2: vmaf = 120; it must be a finite number at least 0, at most 100"),
        ("bpp,ssimulacra2\n0.1,101\n", "line 2: ssimulacra2 = 101; it must be a finite number, at most 100"),
        ("bpp,bpp,psnr_db\n0.1,0.1,28\n", "two columns 'bpp'"),
        ("bpp,psnr_db\n0.1,28\n0.2\n", "line 3: 1 cells, the header has 2"),
        ("bpp,psnr_db\n0.1,28\n-0.2,30\n", "line 3: bpp = -0.2; it must be a finite number above 0"),
        ("bpp,psnr_db\n0.1,nan\n", "line 2: psnr_db = nan"),
        ("bpp,psnr_db\n0.1,-1\n", "line 2: psnr_db = -1"),
        ("bpp,psnr_db\n0.1,1e300\n", "line 2: psnr_db = 1e+300"),
        ("bpp,psnr_db\n0.1,high\n", "line 2: psnr_db = 'high' is no number"),
        ("bpp,psnr_db\n,28\n", "line 2: bpp is empty"),
        ("bpp,psnr_db\n0.1,\n", "line 2 has no quality"),
    ],
)
def test_what_is_no_such_file_is_one_line(text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        read(text, PATH, "kodak")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_data_set_must_be_known() -> None:
    with pytest.raises(UserError, match="no column 'dataset'; add it, or give --dataset"):
        read("bpp,psnr_db\n0.1,28\n", PATH, None)


words = st.text(st.characters(codec="utf-8", exclude_characters="|", exclude_categories=["C", "Z"]), min_size=1)
finite = st.floats(0.001, 1e6)
more = {"ms_ssim_db": finite, "vmaf": st.floats(0, 100)}
point = st.fixed_dictionaries({"bpp": finite, "psnr_db": finite}, optional=more)
curves = st.builds(
    MeanCurve,
    **dict.fromkeys(TEXTS[:-1], words),
    sources=st.lists(words),
    points=st.lists(point, min_size=1),
)


@given(st.lists(curves, min_size=1, unique_by=lambda curve: (curve.codec, curve.dataset)))
def test_what_is_written_comes_back(written: list[MeanCurve]) -> None:
    assert read(write(written), PATH, None) == written


def test_a_text_may_hold_commas_quotes_and_lines() -> None:
    curve = MeanCurve(codec="x", label='a "b", c', dataset="d\ne", points=[{"bpp": 1.0, "psnr_db": 30.0}])
    assert read(write([curve]), PATH, None) == [curve]
