"""One optimiser step after another: a network, its two optimisers, and what a step found."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from compressai.entropy_models import EntropyBottleneck, EntropyModel
from lightning_fabric import Fabric
from torch import Tensor, nn

from lic_bench.spec import Metric
from lic_bench.training.loss import rate_distortion
from lic_bench.training.recipe import AUXILIARY_RATE, LARGEST_GRADIENT


class Diverged(Exception):
    """A loss or gradient that is not finite; the weights are those before the step."""


@dataclass(frozen=True, slots=True)
class StepNumbers:
    """What `loss.Loss` says of a step, as plain numbers."""

    loss: float
    bpp: float
    mse: float


class Trainer:
    """network: with CompressAI's forward; trained in place. seed: of the noise that stands for quantisation.

    The noise of a step depends on seed, step and process alone, so a training that goes on after a stop finds the
    same numbers as one that never stopped.
    """

    def __init__(self, fabric: Fabric, network: nn.Module, lmbda: float, metric: Metric, seed: int) -> None:
        self.fabric, self.network, self.lmbda, self.metric, self.seed = fabric, network, lmbda, metric, seed
        bottlenecks = [module for module in network.modules() if isinstance(module, EntropyBottleneck)]
        quantiles = [module.quantiles for module in bottlenecks]
        for parameter in quantiles:
            parameter.requires_grad_(False)  # not of the main loss; several processes must not wait for its gradient
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        for module in network.modules():
            if isinstance(module, EntropyModel):
                _keep_single_precision(module, fabric.device.type)
        network.train()
        self._forward, self._optimiser = fabric.setup(network, torch.optim.Adam(trained, fused=True))
        for parameter in quantiles:
            parameter.requires_grad_(True)
        self._bottlenecks = bottlenecks
        self._auxiliary = torch.optim.Adam(quantiles, lr=AUXILIARY_RATE, fused=True) if quantiles else None

    def step(self, number: int, crops: Tensor, rate: float) -> StepNumbers:
        """Train on crops [B, 3, side, side] uint8 with Adam's learning rate `rate`. Raises Diverged."""
        torch.manual_seed(_drawn_seed(self.seed, number, self.fabric.global_rank))
        x = crops.to(self.fabric.device).float() / 255
        loss = rate_distortion(self._forward(x.clone()), x, self.lmbda, self.metric)  # it may write into its input
        self._optimiser.zero_grad()
        self.fabric.backward(loss.total)
        numbers = StepNumbers(*self._means((loss.total, loss.bpp, loss.mse)))
        norm: Any = self.fabric.clip_gradients(
            self._forward, self._optimiser, max_norm=LARGEST_GRADIENT, error_if_nonfinite=False
        )
        if not (math.isfinite(numbers.loss) and math.isfinite(norm)):
            raise Diverged
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self._fit_quantiles()
        return numbers

    def is_finite(self) -> bool:
        """Whether every weight is."""
        return all(bool(parameter.isfinite().all()) for parameter in self.network.parameters())

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, in tensors and plain containers."""
        auxiliary = self._auxiliary.state_dict() if self._auxiliary else None
        return {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "auxiliary": auxiliary,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        if self._auxiliary:
            self._auxiliary.load_state_dict(state["auxiliary"])

    def _means(self, values: Iterable[Tensor]) -> list[float]:
        """Over all processes."""
        reduced: Any = self.fabric.all_reduce(torch.stack([value.detach() for value in values]))
        return list(map(float, reduced))

    def _fit_quantiles(self) -> None:
        """A step of the auxiliary loss, by which the entropy bottleneck learns where its tails begin."""
        if self._auxiliary:
            self._auxiliary.zero_grad()
            loss = torch.stack([bottleneck.loss() for bottleneck in self._bottlenecks]).sum()
            torch.autograd.backward(loss)
            self._auxiliary.step()


def _drawn_seed(*numbers: int) -> int:
    """A seed of 56 bits that depends on all of the numbers."""
    return int.from_bytes(sha256(repr(numbers).encode()).digest()[:7], "big")


def _keep_single_precision(model: EntropyModel, device: str) -> None:
    """Have an entropy model compute in float32 where the network around it computes in bfloat16."""
    forward = model.forward

    def in_single_precision(*inputs: Any, **options: Any) -> Any:
        with torch.autocast(device, enabled=False):
            return forward(
                *(x.float() if isinstance(x, Tensor) and x.dtype.itemsize < 4 else x for x in inputs), **options
            )

    model.forward = in_single_precision
