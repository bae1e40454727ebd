"""Which perceptual metrics a run measures."""

from pathlib import Path

import pytest
import torch

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual import packages
from lic_bench.measurement.perceptual.registry import JPEG_AI, WITHOUT_WEIGHTS
from lic_bench.run.metric_choice import KEPT, choose_metrics, what_is_kept
from lic_bench.run.options import Options

PERCEPTUAL = ("quality", "perceptual")


def options(**given: object) -> Options:
    return Options(codecs="jpeg", out=Path("out"), **given)


def test_by_default_all_that_are_there_without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    chosen = choose_metrics(options(), PERCEPTUAL)
    assert set(chosen.by) < set(WITHOUT_WEIGHTS)
    assert "left out: fsim, as piq is not installed: pip install 'lic-bench[perceptual]'." in chosen.notes
    assert len(chosen.by) + len(chosen.notes) == len(WITHOUT_WEIGHTS) + 1
    assert chosen.notes[0] == KEPT
    with pytest.raises(UserError, match=r"^fsim cannot be measured here: piq is not installed: pip install"):
        choose_metrics(options(metrics="nlpd,fsim"), PERCEPTUAL)


def test_a_group_stands_for_its_metrics() -> None:
    pytest.importorskip("piq", reason="the extra perceptual is not installed")
    pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")
    assert {*choose_metrics(options(metrics="nlpd,jpeg-ai"), PERCEPTUAL).by} == {*JPEG_AI}


def test_a_run_that_measures_none_has_none() -> None:
    assert choose_metrics(options(), ("quality",)).by == {}
    with pytest.raises(UserError, match=r"^--metrics vmaf: .*add them: --measure perceptual\.$"):
        choose_metrics(options(metrics="vmaf"), ("quality",))
    with pytest.raises(UserError, match=r"^--metric-weights lpips=x: .*add them: --measure perceptual\.$"):
        choose_metrics(options(metric_weights=("lpips=x",)), ("quality",))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metrics": "vmav"}, r"^Unknown metric of --metrics: 'vmav'\. Did you mean 'vmaf'"),
        ({"metrics": " , "}, "^--metrics is empty"),
        ({"metrics": "nlpd,lpips"}, r"^--metrics nlpd,lpips: lpips compares .*--metric-weights lpips=FILE\.$"),
        (
            {"metric_weights": ("vmaf=HERE",)},
            r"^Unknown metric with weights in --metric-weights vmaf=.*Known: dists, lpips",
        ),
        ({"metric_weights": ("lpips",)}, r"^--metric-weights lpips: nothing is no file; write lpips=FILE\.$"),
        ({"metric_weights": ("lpips=/nowhere.pth",)}, "^--metric-weights lpips=/nowhere.pth: /nowhere.pth is no file"),
        ({"metric_weights": ("lpips=HERE",), "metrics": "nlpd"}, "lpips is not among --metrics"),
        (
            {"metric_weights": ("lpips=HERE",)},
            "^lpips cannot be measured here: .*HERE holds no weights of torchvision's",
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, given: dict[str, object], message: str) -> None:
    torch.save({"features.0.weight": torch.zeros(3)}, tmp_path / "HERE")
    weights = tuple(text.replace("HERE", str(tmp_path / "HERE")) for text in given.get("metric_weights", ()))  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=message):
        choose_metrics(options(**{**given, "metric_weights": weights}), PERCEPTUAL)


def test_metrics_need_saved_pictures() -> None:
    assert what_is_kept("bitstreams", ("quality",)) == ("bitstreams",)
    assert what_is_kept("bitstreams", PERCEPTUAL) == ("pictures", "bitstreams")
    assert list(choose_metrics(options(metrics="nlpd", save="bitstreams"), PERCEPTUAL).notes) == [KEPT]
    assert list(choose_metrics(options(metrics="nlpd", save="pictures"), PERCEPTUAL).notes) == []
