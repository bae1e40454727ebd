"""BD-rate and BD-PSNR on cases solved by hand, on its laws, and against the bjontegaard package."""

import math

import bjontegaard
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.rate_distortion.bd_rate import METHODS, Method, RDCurve, bd_psnr, bd_rate, leave_one_out, monotone

RATE = [0.1, 0.2, 0.4, 0.8]
QUALITY = [28.0, 30.0, 32.0, 34.0]
ANCHOR = RDCurve("anchor", RATE, QUALITY)

steps = st.floats(0.05, 3.0)


@st.composite
def curves(draw: st.DrawFn, min_size: int = 4) -> RDCurve:
    """A rising curve that starts near 0.1 bpp and 30 dB, so that any two of them overlap."""
    n = draw(st.integers(min_size, 9))
    rate = 0.1 * np.exp(np.cumsum(draw(st.lists(steps, min_size=n, max_size=n))))
    quality = 28 + np.cumsum(draw(st.lists(steps, min_size=n, max_size=n)))
    return RDCurve("drawn", rate, quality)


@pytest.mark.parametrize("method", METHODS)
def test_ten_percent_fewer_bits_everywhere_is_minus_ten(method: Method) -> None:
    result = bd_rate(ANCHOR, RDCurve("test", np.multiply(RATE, 0.9), QUALITY), method)
    assert result.value == pytest.approx(-10.0)
    assert (result.overlap, result.low, result.high) == (1.0, 28.0, 34.0)


def test_straight_lines_by_hand() -> None:
    # ln rate = q on [0, 2] against ln rate = q / 2 + 1/2 on [1, 3]: over [1, 2] the mean gap is 1.25 - 1.5
    anchor = RDCurve("a", np.exp([0.0, 1.0, 2.0]), [0.0, 1.0, 2.0])
    test = RDCurve("t", np.exp([1.0, 1.5, 2.0]), [1.0, 2.0, 3.0])
    result = bd_rate(anchor, test)
    assert result.value == pytest.approx(100 * (math.exp(-0.25) - 1))
    assert result.overlap == pytest.approx(1 / 3)


@pytest.mark.parametrize("method", ["pchip", "akima"])
def test_two_points_are_a_line(method: Method) -> None:
    anchor, test = RDCurve("a", [0.1, 0.4], [28, 32]), RDCurve("t", [0.05, 0.2], [28, 32])
    assert bd_rate(anchor, test, method).value == pytest.approx(-50.0)


@given(curves(), curves(), st.sampled_from(METHODS))
def test_agrees_with_the_bjontegaard_package(anchor: RDCurve, test: RDCurve, method: Method) -> None:
    low, high = max(anchor.quality[0], test.quality[0]), min(anchor.quality[-1], test.quality[-1])
    if low >= high:
        with pytest.raises(UserError, match="no quality in common"):
            bd_rate(anchor, test, method)
        return
    arguments = anchor.rate, anchor.quality, test.rate, test.quality
    theirs = bjontegaard.bd_rate(*arguments, method=method, require_matching_points=False, min_overlap=0)
    ours = bd_rate(anchor, test, method)
    assert math.log1p(ours.value / 100) == pytest.approx(math.log1p(theirs / 100), rel=1e-6, abs=1e-6)


@given(curves(), curves(), st.sampled_from(METHODS))
def test_bd_psnr_agrees_with_the_bjontegaard_package(anchor: RDCurve, test: RDCurve, method: Method) -> None:
    if max(anchor.rate[0], test.rate[0]) >= min(anchor.rate[-1], test.rate[-1]):
        with pytest.raises(UserError, match="no rate in common"):
            bd_psnr(anchor, test, method)
        return
    arguments = anchor.rate, anchor.quality, test.rate, test.quality
    theirs = bjontegaard.bd_psnr(*arguments, method=method, require_matching_points=False, min_overlap=0)
    assert bd_psnr(anchor, test, method) == pytest.approx(theirs, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_half_a_decibel_more_everywhere_is_a_bd_psnr_of_half(method: Method) -> None:
    assert bd_psnr(ANCHOR, RDCurve("test", RATE, np.add(QUALITY, 0.5)), method) == pytest.approx(0.5)


def test_a_window_is_the_interval_of_the_mean() -> None:
    # ln rate = q against q + (q - 28)/10: over 30..32 the mean gap is 0.3
    anchor, test = RDCurve("a", np.exp([-5.0, -1.0]), [28, 32]), RDCurve("t", np.exp([-5.0, -0.6]), [28, 32])
    result = bd_rate(anchor, test, window=(30.0, 32.0))
    assert (result.low, result.high, result.overlap) == (30, 32, 0.5)
    assert result.value == pytest.approx(100 * math.expm1(0.3))
    with pytest.raises(UserError, match=r"28.00..32.00 dB in common, which does not hold the window 27.00..32.00"):
        bd_rate(anchor, test, window=(27.0, 32.0))


def test_leave_one_out_keeps_points_without_which_the_window_is_not_reached() -> None:
    test = RDCurve("t", [0.09, 0.19, 0.36, 0.7], QUALITY)
    window = (29.0, 33.0)
    values = [bd_rate(ANCHOR, test.without(i), window=window).value for i in (1, 2)]
    assert leave_one_out(ANCHOR, test, window=window) == (min(values), max(values))


@given(curves(), st.floats(0.2, 5.0), st.sampled_from(METHODS))
def test_scaling_all_rates_is_that_percentage(curve: RDCurve, factor: float, method: Method) -> None:
    scaled = RDCurve("scaled", curve.rate * factor, curve.quality)
    assert bd_rate(curve, scaled, method).value == pytest.approx(100 * (factor - 1), abs=1e-5)


@given(curves(), curves())
def test_swapping_anchor_and_test_inverts_the_rate(a: RDCurve, b: RDCurve) -> None:
    if max(a.quality[0], b.quality[0]) < min(a.quality[-1], b.quality[-1]):
        there, back = bd_rate(a, b).value, bd_rate(b, a).value
        assert (1 + there / 100) * (1 + back / 100) == pytest.approx(1)


def test_points_are_sorted_by_rate() -> None:
    assert RDCurve("c", RATE[::-1], QUALITY[::-1]).rate.tolist() == RATE


@pytest.mark.parametrize(
    ("rate", "quality", "message"),
    [
        ([0.1], [30], r"'c' has 1 point\(s\); a curve needs at least 2"),
        ([0.0, 0.1], [30, 31], "'c' has the rate 0 bpp"),
        ([0.1, 0.2], [30, math.nan], "'c' has a point that is not finite"),
        ([0.1, 0.2], [30], "one of each"),
        ([0.1, 0.2, 0.3], [30, 29, 31], r"'c' is not strictly rising: quality 30 at 0.1 bpp, then 29 at 0.2 bpp"),
        ([0.1, 0.1], [30, 31], "'c' is not strictly rising"),
    ],
)
def test_a_bad_curve_is_named(rate: list[float], quality: list[float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        RDCurve("c", rate, quality)


def test_disjoint_curves_say_both_ranges() -> None:
    with pytest.raises(UserError, match=r"no quality in common: 28.00\.\.34.00 and 40.00\.\.44.00"):
        bd_rate(ANCHOR, RDCurve("high", [1, 2], [40, 44]))


def test_cubic_needs_four_points_and_methods_are_known() -> None:
    short = RDCurve("short", [0.1, 0.2, 0.4], [28, 30, 32])
    with pytest.raises(UserError, match="'short' has 3 points; 'cubic' needs 4"):
        bd_rate(ANCHOR, short, "cubic")
    with pytest.raises(UserError, match="Did you mean 'pchip'"):
        bd_rate(ANCHOR, short, "pchp")  # type: ignore[arg-type]  # no method, on purpose


def test_monotone_drops_what_a_cheaper_point_beats_and_says_so() -> None:
    curve, dropped = monotone("c", [0.1, 0.2, 0.3, 0.4], [30.0, 32.0, 31.0, 33.0])
    assert curve.rate.tolist() == [0.1, 0.2, 0.4]
    assert dropped == [(0.3, 31.0)]


@given(st.permutations([(1.0, 26.0), (1.5, 30.44), (1.5, 30.59), (1.5, 29.0), (2.5, 35.5), (2.5, 35.5)]))
def test_of_points_of_one_rate_the_best_stays_in_whatever_order_they_come(points: list[tuple[float, float]]) -> None:
    curve, dropped = monotone("c", *zip(*points, strict=True))
    assert list(zip(curve.rate, curve.quality, strict=True)) == [(1.0, 26.0), (1.5, 30.59), (2.5, 35.5)]
    assert dropped == [(1.5, 30.44), (1.5, 29.0), (2.5, 35.5)]


@pytest.mark.parametrize(
    ("quality", "message"),
    [([30.0] * 8, "needs 2 points; its 8 are one and the same"), ([30.0, *[29.0] * 7], "its 8 cost more and are no")],
)
def test_a_codec_that_ignores_its_quality_has_no_curve(quality: list[float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        monotone("c", [0.5] * 8, quality)


@given(st.lists(st.tuples(st.floats(0.01, 4), st.floats(20, 45)), min_size=2, max_size=12))
def test_monotone_always_gives_a_rising_curve_of_given_points(points: list[tuple[float, float]]) -> None:
    cheap = [(0.001, 1.0), (0.002, 2.0)]  # so that at least two points are on the curve
    rates, qualities = zip(*points, *cheap, strict=True)
    curve, dropped = monotone("c", rates, qualities)
    assert sorted([*zip(curve.rate, curve.quality, strict=True), *dropped]) == sorted([*points, *cheap])


def test_leave_one_out_spans_the_curves_less_one_point() -> None:
    test = RDCurve("t", [0.09, 0.19, 0.36, 0.7], QUALITY)
    values = [bd_rate(ANCHOR, test.without(i)).value for i in range(4)]
    assert leave_one_out(ANCHOR, test) == (min(values), max(values))


def test_leave_one_out_needs_a_point_to_spare() -> None:
    assert leave_one_out(ANCHOR, RDCurve("t", [0.1, 0.2], [28, 30])) is None
    assert leave_one_out(ANCHOR, ANCHOR, "cubic") is None
