from pathlib import Path

import pytest
import torch

from lic_bench import load_model
from lic_bench.errors import UserError
from lic_bench.models import checkpoint_folders, find_checkpoints, read_checkpoint, sha256_of
from lic_bench.registry import resolve


def test_a_codec_without_a_network_is_refused() -> None:
    with pytest.raises(UserError, match="'jpeg' has no network"):
        load_model("jpeg")


def test_an_unknown_quality_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'lalic' has no quality 9; allowed: 1, 2, 3, 4, 5, 6"):
        load_model("lalic", 9)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(UserError, match=r"nowhere\.pth is not there; see `lic-bench doctor`"):
        load_model("lalic", 1, "nowhere.pth")


@pytest.mark.parametrize("content", [b"", b"<html>quota exceeded</html>", b"\x80\x04N."])
def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pth cannot be read as a PyTorch state dict"):
        read_checkpoint(path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"x": Path("/")}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match="cannot be read as a PyTorch state dict"):
        read_checkpoint(tmp_path / "evil.pth")


def test_a_tensor_is_not_a_state_dict(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    with pytest.raises(UserError, match="holds a Tensor, not a state dict"):
        read_checkpoint(tmp_path / "tensor.pth")


@pytest.mark.parametrize("codec", ["lalic", "elic", "cheng2020-parallel"])
def test_weights_of_another_network_are_refused(tmp_path: Path, codec: str) -> None:
    torch.save({"state_dict": {"conv.weight": torch.zeros(3, 3)}}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=rf"other\.pth does not fit codec '{codec}': .*conv\.weight") as caught:
        load_model(codec, checkpoint=tmp_path / "other.pth")
    assert "\n" not in str(caught.value)


def test_weights_are_found_beside_each_other_or_by_codec(tmp_path: Path) -> None:
    spec = resolve("lalic")
    (tmp_path / "lalic").mkdir()
    (tmp_path / "lalic-mse-q1.pth").write_bytes(b"1")
    (tmp_path / "lalic/lalic-mse-q6.pth").write_bytes(b"6")
    assert find_checkpoints(spec, [tmp_path]) == {
        1: tmp_path / "lalic-mse-q1.pth",
        6: tmp_path / "lalic/lalic-mse-q6.pth",
    }


def test_where_weights_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIC_BENCH_CHECKPOINTS", str(tmp_path))
    assert checkpoint_folders(None)[0] == tmp_path
    assert len(checkpoint_folders(None)) == 2
    assert checkpoint_folders(tmp_path) == [tmp_path]
    with pytest.raises(UserError, match="no such folder"):
        checkpoint_folders(tmp_path / "none")


def test_a_changed_file_has_another_hash(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a")
    first = sha256_of(path)
    path.write_bytes(b"bb")
    assert sha256_of(path) != first
    assert first == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


def test_random_weights_are_the_same_every_time_and_leave_the_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = load_model("cheng2020-parallel")
    assert torch.equal(torch.rand(1), expected)
    second = load_model("cheng2020-parallel")
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
