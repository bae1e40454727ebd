from pathlib import Path

import pytest
import torch

from lic_bench import load_model
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError


def test_a_codec_without_a_network_is_refused() -> None:
    with pytest.raises(UserError, match="'jpeg' has no network"):
        load_model("jpeg")


def test_a_codec_with_a_choice_of_kernels_says_which() -> None:
    cpu = torch.device("cpu")
    assert load_codec(resolve_codec("lalic"), 1, None, cpu).kernels == "cpu"
    assert load_codec(resolve_codec("jpeg"), 50, None, cpu).kernels is None


def test_an_unknown_quality_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'lalic' has no quality 9; allowed: 1, 2, 3, 4, 5, 6"):
        load_model("lalic", 9)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(UserError, match=r"nowhere\.pth is not there; see `lic-bench doctor --verbose`"):
        load_model("lalic", 1, "nowhere.pth")


@pytest.mark.parametrize("codec", ["lalic", "elic", "cheng2020-parallel"])
def test_weights_of_another_network_are_refused(tmp_path: Path, codec: str) -> None:
    torch.save({"state_dict": {"conv.weight": torch.zeros(3, 3)}}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=rf"other\.pth does not fit codec '{codec}': .*conv\.weight") as caught:
        load_model(codec, checkpoint=tmp_path / "other.pth")
    assert "\n" not in str(caught.value)


def test_random_weights_are_the_same_every_time_and_leave_the_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = load_model("cheng2020-parallel")
    assert torch.equal(torch.rand(1), expected)
    second = load_model("cheng2020-parallel")
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
