"""Weights files are read without running code from them."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lic_bench.codecs.checkpoint_file import FORMATS, read_checkpoint
from lic_bench.errors import UserError


@pytest.mark.parametrize("content", [b"", b"<html>quota exceeded</html>", b"\x80\x04N."])
def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pth \(\d+ bytes\) is no PyTorch state dict"):
        read_checkpoint(path)


class Evil:
    """Whose pickle makes a folder when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": Evil(tmp_path / "made"), "state_dict": {"x": torch.zeros(1)}}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match="no PyTorch state dict of tensors alone") as caught:
        read_checkpoint(tmp_path / "evil.pth")
    assert not (tmp_path / "made").exists()
    assert "weights_only" not in str(caught.value)  # torch advises to switch the protection off
    torch.load(tmp_path / "evil.pth", weights_only=False)
    assert (tmp_path / "made").exists()  # it would have run


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("order", "<>")
def test_numbers_of_numpy_come_as_pythons(tmp_path: Path, kind: str, order: str) -> None:
    value = np.array([1], dtype=f"{order}{kind}")[0]
    torch.save({"epoch": value, "state_dict": {"x": torch.zeros(1)}}, tmp_path / "w.pth")
    read = read_checkpoint(tmp_path / "w.pth")["epoch"]
    assert read == 1
    assert type(read) in (bool, int, float)


def test_numbers_written_by_numpy_2_are_read(tmp_path: Path) -> None:
    torch.save({"loss": np.float64(0.1), "x": torch.zeros(1)}, tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "w.pth") as old, zipfile.ZipFile(tmp_path / "new.pth", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"numpy.core.", b"numpy._core."))
    assert read_checkpoint(tmp_path / "new.pth")["loss"] == 0.1


@pytest.mark.parametrize("value", [np.zeros(3), np.str_("a"), np.datetime64("2020-01-01"), np.void(b"abc")])
def test_nothing_else_of_numpy_is_read(tmp_path: Path, value: object) -> None:
    torch.save({"epoch": value}, tmp_path / "w.pth")
    with pytest.raises(UserError, match="no PyTorch state dict of tensors alone"):
        read_checkpoint(tmp_path / "w.pth")


def test_a_tensor_is_not_a_state_dict(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    with pytest.raises(UserError, match="holds a Tensor, not a state dict"):
        read_checkpoint(tmp_path / "tensor.pth")


def test_keys_that_are_no_names_are_refused(tmp_path: Path) -> None:
    torch.save({1: torch.zeros(3)}, tmp_path / "numbers.pth")
    with pytest.raises(UserError, match="not a state dict with names"):
        read_checkpoint(tmp_path / "numbers.pth")
