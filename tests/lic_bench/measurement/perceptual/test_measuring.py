from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual import packages
from lic_bench.measurement.perceptual.measuring import Score, find_implementations, measure
from lic_bench.measurement.perceptual.registry import METRICS, WITHOUT_WEIGHTS

QUICK = ["psnr-hvs", "nlpd", "vif"]


def test_all_twelve_of_a_good_and_a_bad_picture(original: np.ndarray, decoded: np.ndarray) -> None:
    pytest.importorskip("piq", reason="the extra perceptual is not installed")
    pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")
    good, bad = measure([(original, decoded), (original, decoded // 4 * 3)], WITHOUT_WEIGHTS, jobs=2)
    assert tuple(good) == tuple(bad) == WITHOUT_WEIGHTS
    for name, score in good.items():
        metric, worse = METRICS[name], bad[name].value
        assert score.value is not None
        assert worse is not None
        assert (score.value > worse) == metric.higher_is_better, name
        assert metric.lowest is None or worse >= metric.lowest
        assert metric.highest is None or worse <= metric.highest


def test_files_are_read_and_the_order_is_that_of_the_pairs(
    tmp_path: Path, original: np.ndarray, decoded: np.ndarray
) -> None:
    paths = [tmp_path / "original.png", tmp_path / "decoded.png"]
    for path, pixels in zip(paths, (original, decoded), strict=True):
        Image.fromarray(pixels).save(path)
    pairs = [(paths[0], paths[1]), (original, original), (original, decoded)]
    first, second, third = measure(pairs, QUICK, jobs=3)
    assert first == third != second


def test_small_pictures_have_scores_that_say_why_not() -> None:
    (scores,) = measure([(np.zeros((20, 30, 3), np.uint8),) * 2], ["vif", "ssimulacra2", "nlpd", "psnr-hvs"])
    assert scores == {
        "vif": Score(None, "needs sides of 41 pixels, has 20"),
        "ssimulacra2": Score(None, "needs sides of 225 pixels, has 20"),
        "nlpd": Score(0.0),
        "psnr-hvs": Score(None, "infinite, as no difference is seen"),
    }


def test_every_metric_takes_its_smallest_size() -> None:
    pytest.importorskip("piq", reason="the extra perceptual is not installed")
    pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")
    for side in sorted({METRICS[name].smallest_side for name in WITHOUT_WEIGHTS}):
        names = [name for name in WITHOUT_WEIGHTS if METRICS[name].smallest_side == side]
        pixels = np.random.default_rng(0).integers(0, 200, (side, side + 1, 3), np.uint8)
        (scores,) = measure([(pixels, pixels // 2)], names)
        assert [name for name, score in scores.items() if score.value is None] == []


def test_what_is_not_there_is_said_once_and_the_rest_is_measured(
    monkeypatch: pytest.MonkeyPatch, original: np.ndarray, decoded: np.ndarray
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    line = "piq is not installed: pip install 'lic-bench[perceptual]'."
    assert find_implementations(["fsim", "nlpd"], {}) == ({"nlpd": "lic-bench"}, {"fsim": line})
    (scores,) = measure([(original, decoded)], ["fsim", "nlpd"])
    assert scores["fsim"] == Score(None, line, failed=True)
    assert scores["nlpd"].value is not None


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((9, 8, 3), np.uint8), "Two pictures of 8x8 and 8x9 cannot be compared; they need one size."),
        (np.zeros((8, 8), np.uint8), r"A picture of uint8 \[8, 8\] came; metrics take uint8 \[H, W, 3\], RGB."),
        (np.zeros((8, 8, 3)), r"A picture of float64 \[8, 8, 3\] came"),
    ],
)
def test_what_cannot_be_compared_is_one_line(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        list(measure([(np.zeros((8, 8, 3), np.uint8), pixels)], ["nlpd"]))


def test_pairs_before_a_missing_file_are_measured(tmp_path: Path, original: np.ndarray) -> None:
    scores = measure([(original, original), (original, tmp_path / "missing.png")], ["nlpd"])
    assert next(scores) == {"nlpd": Score(0.0)}
    with pytest.raises(UserError, match=r"missing.png cannot be read"):
        next(scores)
