from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.registry import JPEG_AI, WITHOUT_WEIGHTS
from lic_bench.run.decoded_elsewhere.metrics_choice import choose_metrics


def test_names_a_group_and_all() -> None:
    assert not choose_metrics(None, []).by
    assert [*choose_metrics("nlpd,psnr-hvs,nlpd", []).by] == ["nlpd", "psnr-hvs"]
    chosen = choose_metrics("all", [])
    assert {*chosen.by} | {note.removeprefix("left out: ").partition(",")[0] for note in chosen.notes} == {
        *WITHOUT_WEIGHTS
    }
    own = [name for name in JPEG_AI if name not in ("vmaf", "fsim")]  # the others need packages
    assert {*own} <= {*choose_metrics("all", []).by}


@pytest.mark.parametrize(
    ("names", "weights", "message"),
    [
        ("nlpdd", [], "Did you mean 'nlpd'"),
        (",", [], "--metrics is empty"),
        ("lpips", [], "--metrics lpips cannot be measured here: lpips needs the weights"),
        ("nlpd", ["lpips=nowhere.pth"], "nowhere.pth is no file; write lpips=FILE"),
        ("nlpd", ["lpips"], "nothing is no file"),
        ("nlpd", ["nlpd=x"], "'nlpd'. .*Known: dists, lpips"),
    ],
)
def test_what_cannot_be_measured_is_one_line(names: str, weights: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_metrics(names, weights)


def test_weights_without_metrics_are_refused(tmp_path: Path) -> None:
    (tmp_path / "alexnet.pth").touch()
    with pytest.raises(UserError, match="--metric-weights without --metrics"):
        choose_metrics(None, [f"lpips={tmp_path / 'alexnet.pth'}"])
