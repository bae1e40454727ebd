"""Cheng2020-Parallel over CompressAI's Cheng2020AnchorCheckerboard."""

from __future__ import annotations

from collections.abc import Mapping

from compressai import models
from torch import Tensor, nn

from adapters.shared.inference import for_inference
from lic_bench.codecs.weights import load_strictly, parameters_of

Cheng2020AnchorCheckerboard = for_inference(models.Cheng2020AnchorCheckerboard)
N = 192


def build(state: Mapping[str, Tensor] | None) -> nn.Module:
    """The network in eval mode. state: a checkpoint with CompressAI's names; None: fresh weights.

    Raises ValueError for a state that is not exactly this network's.
    """
    model = Cheng2020AnchorCheckerboard(N=N)
    if state is not None:
        load_strictly(model, parameters_of(state), likely_cause)
    return model.eval()


def small() -> nn.Module:
    """The same network with few channels and fresh weights, for tests."""
    return Cheng2020AnchorCheckerboard(N=16).eval()


def likely_cause(parameters: Mapping[str, Tensor]) -> str:
    """What a state that does not fit may be."""
    first = parameters.get("g_a.0.conv1.weight")
    if first is None:
        return "weights of another codec"
    if first.shape[0] != N:
        return f"a Cheng2020 network of N={first.shape[0]}; this one has N={N}"
    if "context_prediction.weight" in parameters:
        return "CompressAI's cheng2020-anchor or -attn, whose serial context model was trained for another order"
    return "part of the file is lost, or it was saved by other code for the same network"
