"""Weights as they come with a package."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from lic_bench.codecs.checkpoint_file import read_checkpoint
from lic_bench.codecs.loading import load_model
from lic_bench.errors import UserError

CODEC = "lalic.model:small"


def trained(folder: Path, **facts: Any) -> Path:
    """A file as `lic-bench train` leaves it."""
    network, file = load_model(CODEC), folder / "small-q2.pth"
    facts = {"codec": CODEC, "quality": None, "lmbda": 0.013, "steps": 9, "steps_planned": 9} | facts
    torch.save({"state_dict": network.state_dict(), **facts}, file)
    return file


def test_a_packed_file_holds_the_parameters_and_facts_and_codes_alike(
    script: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    file, out = trained(tmp_path), tmp_path / "weights"
    out.mkdir()
    packed = script("pack_weights").pack(file, out)
    assert packed == out / "small-q2.pth"
    assert packed.stat().st_size < 0.6 * file.stat().st_size
    assert read_checkpoint(packed)["lmbda"] == 0.013
    whole, halved = load_model(CODEC, checkpoint=file), load_model(CODEC, checkpoint=packed)
    for name, value in halved.named_parameters():
        assert torch.equal(value, whole.get_parameter(name).half().float()), name
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    coded = halved.compress(x)
    with torch.no_grad():
        estimated = halved(x)["x_hat"]
    assert torch.equal(halved.decompress(coded["strings"], coded["shape"])["x_hat"], estimated.clamp(0, 1))


def test_what_is_not_finished_or_not_of_a_training_or_too_large_is_refused(
    script: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = script("pack_weights")
    with pytest.raises(UserError, match="4 of 9 steps are trained"):
        module.pack(trained(tmp_path, steps=4), tmp_path / "weights")
    torch.save(load_model(CODEC).state_dict(), tmp_path / "bare.pth")
    with pytest.raises(UserError, match="is not of `lic-bench train`"):
        module.pack(tmp_path / "bare.pth", tmp_path / "weights")
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(module, "LARGEST", 1000)
    with pytest.raises(UserError, match="1,000 at most"):
        module.pack(trained(tmp_path), tmp_path / "weights")
    assert list((tmp_path / "weights").iterdir()) == []
