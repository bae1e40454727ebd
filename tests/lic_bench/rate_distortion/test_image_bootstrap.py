"""Intervals over images, on curves with known answers and on how often they hold the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.rate_distortion.bd_rate import Floats, bd_rate
from lic_bench.rate_distortion.image_bootstrap import (
    DRAWS,
    MIN_IMAGES,
    ImageCurves,
    difference,
    drawn_shares,
    interval,
    spread,
)

QUALITY = np.array([28.0, 30.5, 33.0, 35.5])


def images(n: int = 24, gain: Floats | float = 1.0, seed: int = 1) -> ImageCurves:
    """n images that differ in rate and quality. gain: on the rate, of all or of each."""
    generator = np.random.default_rng(seed)
    quality = QUALITY + generator.normal(0, 2, (n, 1))
    rate = 0.1 * 2 ** ((QUALITY - 28) / 2.5) * np.exp(generator.normal(0, 0.4, (n, 1)))
    return ImageCurves("c", rate * np.reshape(gain, (-1, 1)), quality)


def test_a_codec_against_itself_is_zero_for_certain() -> None:
    of = spread(images(), images())
    assert (of.of_means, of.mean, of.median, of.of_mean, of.n_images) == ((0, 0), 0, 0, (0, 0), 24)


@given(st.floats(0.3, 3.0))
@settings(max_examples=10)
def test_a_tenth_more_bits_in_every_image_leaves_no_doubt(factor: float) -> None:
    of, percent = spread(images(), images(gain=factor)), 100 * (factor - 1)
    assert of.of_means == pytest.approx((percent, percent), abs=1e-6)
    assert (of.mean, of.median) == pytest.approx((percent, percent), abs=1e-6)
    assert of.of_mean == pytest.approx((percent, percent), abs=1e-6)


def test_gains_that_differ_from_image_to_image_are_spread() -> None:
    gain = np.where(np.arange(24) < 12, 0.8, 1.1)
    of = spread(images(), images(gain=gain))
    assert (of.mean, of.median) == pytest.approx((-5, -5))
    assert of.of_mean is not None
    middle, half = sum(of.of_mean) / 2, (of.of_mean[1] - of.of_mean[0]) / 2
    assert middle == pytest.approx(-5, abs=0.5)
    assert half == pytest.approx(1.96 * 15 / 24**0.5, rel=0.1)  # the normal interval of a mean, sd 15
    value = bd_rate(images().mean, images(gain=gain).mean).value
    assert of.of_means is not None
    assert of.of_means[0] < value < of.of_means[1]


def test_one_hard_image_in_a_draw_has_the_same_weight_for_both() -> None:
    """Images that vary a hundredfold in rate, alike for both codecs: unpaired draws could not tell them apart."""
    gain = np.exp(np.linspace(-2.3, 2.3, 24))
    ends = difference(images(gain=gain), images(gain=1.02 * gain))
    assert ends == pytest.approx((2, 2))


def test_too_few_images_have_no_interval_and_still_a_mean() -> None:
    few = MIN_IMAGES - 1
    of = spread(images(few), images(few, gain=1.1))
    assert (of.of_means, of.of_mean) == (None, None)
    assert (of.mean, of.n_images) == (pytest.approx(10), few)


def test_a_draw_without_common_quality_leaves_no_interval() -> None:
    assert interval(np.array([1.0, np.nan])) is None
    apart = ImageCurves("c", images().rate, images().quality + 20)
    of = spread(images(), apart)
    assert (of.of_means, of.n_images, np.isnan(of.mean)) == (None, 0, True)


def test_of_24_images_the_interval_holds_the_truth_about_93_times_in_100() -> None:
    """Of a population in which codecs differ by 10 % on average, and by 8 % more or less from image to image."""
    generator, count = np.random.default_rng(5), 200

    def gain(n: int) -> Floats:
        return np.exp(generator.normal(-0.1, 0.08, n))

    truth = 100 * (gain(1_000_000).mean() - 1)
    held = 0
    for seed in range(count):
        ends = spread(images(seed=seed), images(gain=gain(24), seed=seed)).of_mean
        assert ends is not None
        held += ends[0] <= truth <= ends[1]
    assert 0.90 <= held / count <= 0.97


def test_draws_are_of_whole_images_and_the_same_again() -> None:
    shares = drawn_shares(24)
    assert shares.shape == (DRAWS, 24)
    assert shares.sum(1) == pytest.approx(np.ones(DRAWS))
    assert (24 * shares == np.round(24 * shares)).all()
    drawn_shares.cache_clear()
    assert (drawn_shares(24) == shares).all()


def test_points_that_the_curve_of_the_means_drops_are_left_out() -> None:
    rate, quality = images().rate, images().quality.copy()
    quality[:, 2] = quality[:, 0]  # costs more and is no better
    curves = ImageCurves("c", rate, quality)
    assert len(curves.mean) == curves.rate.shape[1] == 3
    assert curves.mean.rate == pytest.approx(rate.mean(0)[[0, 1, 3]])
    with pytest.raises(UserError, match="needs 2 points"):
        ImageCurves("c", rate, quality[:, :1] + np.zeros(4))
