import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lic_bench.measurement.complexity import count


class Net(nn.Module):
    """One 3x3 convolution 3 -> 8 as a module, one matrix product that no module hook sees."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.mix = nn.Parameter(torch.ones(8, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(self.conv(x).permute(0, 2, 3, 1), self.mix)


def test_both_counters_by_hand() -> None:
    net = Net()
    before = set(net.state_dict())
    rows = {row.counter: row for row in count(net, "net", 1, 10, 20)}
    pixels = 10 * 20
    assert rows["thop"].macs == pixels * 8 * 3 * 9
    assert rows["exact"].macs == pixels * (8 * 3 * 9 + 8 * 8)
    assert rows["exact"].parameters == 8 * 3 * 9 + 64
    assert set(net.state_dict()) == before
    assert not net.conv._forward_hooks


def test_what_inference_needs_is_asked_of_the_network() -> None:
    class Merged(Net):
        def parameters_inference(self) -> int:
            return 17

    assert {row.parameters_inference for row in count(Merged(), "net", 1, 8, 8)} == {17}
    assert {row.parameters_inference for row in count(Net(), "net", 1, 8, 8)} == {None}


def test_what_thop_has_no_rule_for_is_named() -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    thop, _ = count(nn.Sequential(nn.Conv2d(3, 3, 1), Odd(), Odd()), "net", 1, 8, 8)
    assert thop.uncounted_ops == {"Odd": 2}


def test_a_failing_counter_is_a_failed_record() -> None:
    class Small(nn.Conv2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ValueError("too small")

    rows = count(Small(3, 3, 1), "net", 1, 8, 8)
    assert [row.status for row in rows] == ["failed", "failed"]
    assert rows[0].error == "ValueError: too small"


@pytest.mark.parametrize("size", [(16, 16), (32, 48)])
def test_macs_grow_with_pixels(size: tuple[int, int]) -> None:
    thop, exact = count(Net(), "net", 1, *size)
    assert thop.macs == size[0] * size[1] * 216
    assert exact.macs == size[0] * size[1] * 280
