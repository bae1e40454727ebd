"""From options to a plan."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lic_bench.errors import UserError
from lic_bench.training.options import TrainingOptions
from lic_bench.training.plan import Plan, make_plan


def plan(pictures: Path, **change: Any) -> Plan:
    return make_plan(TrainingOptions(**{"codec": "lalic", "quality": 3, "data": pictures, "crop": 64, **change}))


def test_a_plan_of_the_papers_recipe(pictures: Path) -> None:
    made = plan(pictures)
    assert made.lmbda == 0.0067
    assert made.steps == 48
    assert str(made.out) == "results/train/lalic-q3"
    assert made.weights_name == "lalic-q3.pth"
    assert made.settings["pictures"] == 5
    assert plan(pictures, lmbda=0.02).lmbda == 0.02
    assert plan(pictures, codec="lalic.model:small", quality=None).weights_name == "small.pth"


def test_what_is_kept_low_is_what_the_codec_is_optimised_for(pictures: Path) -> None:
    made = plan(pictures, codec="fat-msssim", quality=1, crop=64, metric="mse")
    assert (made.lmbda, made.metric) == (0.0018, "mse")
    with pytest.raises(UserError, match="MS-SSIM with five scales needs crops of 161"):
        plan(pictures, codec="fat-msssim", quality=1)
    Image.new("RGB", (512, 512)).save(pictures / "large.png")
    made = plan(pictures, codec="fat-msssim", quality=1, crop=192)
    assert (made.lmbda, made.metric, made.settings["metric"]) == (2.4, "ms-ssim", "ms-ssim")


def test_an_epoch_is_of_the_pictures_that_give_crops(pictures: Path) -> None:
    Image.new("RGB", (40, 40)).save(pictures / "small.png")
    assert plan(pictures, batch=1).steps == 48 * 5


def test_what_a_user_should_know_of_the_pictures(pictures: Path) -> None:
    (pictures / "broken.png").touch()
    notes = plan(pictures).notes()
    assert notes[0] == "lalic, quality 3: lambda 0.0067 (mse), 48 steps, in results/train/lalic-q3"
    assert notes[1].startswith("5 pictures in ")
    assert "1 files left out, the first: " in notes[2]
    assert len(notes) == 3
    with pytest.raises(UserError, match="no picture of 256x256"):
        plan(pictures, crop=128)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codec": "jpeg"}, "'jpeg' is a classical codec: it has no weights to train"),
        ({"codec": "lallic"}, "Did you mean 'lalic'"),
        ({"quality": None}, "--quality is missing: lalic has 1, 2, 3, 4, 5, 6"),
        ({"quality": 9}, "has no quality 9"),
    ],
)
def test_what_is_refused(pictures: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan(pictures, **change)
