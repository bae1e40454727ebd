"""A step of training: what it changes, and what it refuses."""

import copy

import pytest
import torch
from compressai.models import FactorizedPrior
from lightning_fabric import Fabric

from lalic.model import small
from lic_bench.training.trainer import Diverged, Trainer


@pytest.fixture
def crops() -> torch.Tensor:
    ramp = torch.arange(64, dtype=torch.uint8)
    return torch.stack([ramp.expand(3, 64, 64), 2 * ramp.view(64, 1).expand(3, 64, 64)]).contiguous()


def trainer_of(network: torch.nn.Module, precision: str = "32-true") -> Trainer:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)  # type: ignore[arg-type]
    return Trainer(fabric, network, 0.01, "mse", seed=3)


@pytest.mark.parametrize(("precision", "steps"), [("32-true", 24), ("bf16-mixed", 4)])
def test_the_loss_falls(crops: torch.Tensor, precision: str, steps: int) -> None:
    trainer = trainer_of(small(), precision)
    losses = [trainer.step(number, crops, 1e-3).loss for number in range(steps)]
    assert losses[-1] < (1 - 0.02 * steps) * losses[0]


def test_every_parameter_learns(crops: torch.Tensor) -> None:
    network = FactorizedPrior(8, 12)
    before = copy.deepcopy(network.state_dict())
    trainer_of(network).step(0, crops, 1e-3)
    changed = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {name for name, _ in network.named_parameters()}  # the quantiles among them


def test_going_on_from_a_state_gives_the_same_weights(crops: torch.Tensor) -> None:
    torch.manual_seed(0)
    first = trainer_of(small())
    torch.manual_seed(0)
    second = trainer_of(small())
    second.load_state(copy.deepcopy(first.state()))
    for number in range(3):
        first.step(number, crops, 1e-3)
    state = copy.deepcopy(first.state())
    first.step(3, crops, 1e-3)
    torch.manual_seed(17)  # what happened in between is no matter
    second.load_state(state)
    second.step(3, crops, 1e-3)
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name


def test_the_noise_is_another_in_every_step(crops: torch.Tensor) -> None:
    network = small()
    found = [trainer_of(copy.deepcopy(network)).step(number, crops, 1e-3).loss for number in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_what_is_not_finite_changes_no_weight(crops: torch.Tensor) -> None:
    network = small()
    trainer = trainer_of(network)
    trainer.step(0, crops, 1e-4)
    with torch.no_grad():
        network.g_s[0].weight[0, 0, 0, 0] = 1e30
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(Diverged):
        trainer.step(1, crops, 1e-4)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_entropy_models_compute_in_single_precision(crops: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    network = small()
    trainer = trainer_of(network, "bf16-mixed")
    seen = []
    for model in (network.entropy_bottleneck, network.gaussian_conditional):
        likelihood = model._likelihood
        monkeypatch.setattr(model, "_likelihood", lambda x, *rest, f=likelihood: (seen.append(x.dtype), f(x, *rest))[1])
    trainer.step(0, crops, 1e-4)
    assert len(seen) > 2
    assert set(seen) == {torch.float32}


def test_any_seed_will_do(crops: torch.Tensor) -> None:
    fabric = Fabric(accelerator="cpu", devices=1)
    assert Trainer(fabric, small(), 0.01, "mse", seed=20261129235959).step(0, crops, 1e-4).loss > 0
