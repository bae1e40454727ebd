"""The device of --device."""

import pytest
import torch

from lic_bench.errors import UserError
from lic_bench.machine.device import choose_device


@pytest.mark.parametrize(
    ("name", "message"),
    [("tpu", "Known: auto, cpu, cuda"), ("cuda:77", "this machine shows"), ("meta", "Unknown --device")],
)
def test_devices_that_are_not_there(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_device(name)


@pytest.mark.parametrize(("name", "expected"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1")])
def test_a_cuda_device_has_its_index(monkeypatch: pytest.MonkeyPatch, name: str, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(choose_device(name)) == expected
