"""The effective receptive field: where in the picture a latent position looks (Luo et al. 2016, arXiv:1701.04128).

Of a position in the centre of y (or z) the sum over channels is differentiated by the input; the absolute values are
summed over the colours and averaged over images.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Field = NDArray[np.float64]


class _Reached(Exception):
    """The last part has worked."""


def receptive_fields(module: nn.Module, parts: Mapping[str, nn.Module], images: Iterable[Tensor]) -> dict[str, Field]:
    """Part -> its effective receptive field [H, W] in the input of `module`, mean over the images.

    parts: submodules in the order in which they work; nothing after the last is computed, and one that does not work
    is left out. images: [1, 3, H, W] of one size. Whatever the network raises is raised.
    """
    gradients = [input_gradients(module, parts, x) for x in images]
    return {name: np.mean([of_image[name] for of_image in gradients], axis=0) for name in gradients[0]}


def input_gradients(module: nn.Module, parts: Mapping[str, nn.Module], x: Tensor) -> dict[str, Field]:
    """Part -> |d (sum of its output's channels at row h // 2, column w // 2) / d x|, summed over colours: [H, W]."""
    x = x.clone().requires_grad_()
    outputs: dict[str, Tensor] = {}
    last = list(parts)[-1]

    def keep(_module: nn.Module, _inputs: Any, output: Tensor, name: str) -> None:
        outputs[name] = output
        if name == last:
            raise _Reached

    with ExitStack() as hooks, torch.enable_grad(), suppress(_Reached):
        for name, part in parts.items():
            hooks.enter_context(part.register_forward_hook(partial(keep, name=name)))
        module(x)
    return {name: _gradient(output, x) for name, output in outputs.items()}


def smallest_area(field: Field, share: float) -> float:
    """The smallest part of the pixels, in (0, 1], that holds this share of the field's sum; 0 of a field of zeros."""
    total = np.cumsum(np.sort(field, axis=None)[::-1])
    if not total[-1] > 0:
        return 0.0
    return (1 + int(np.searchsorted(total, share * total[-1]))) / field.size


def _gradient(output: Tensor, x: Tensor) -> Field:
    centre = output[0, :, output.shape[-2] // 2, output.shape[-1] // 2].sum()
    (gradient,) = torch.autograd.grad(centre, x, retain_graph=True)
    return gradient[0].abs().sum(0).double().cpu().numpy()
