"""CompressAI's networks as codecs."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def for_inference(network: type[Network]) -> type[Network]:
    """A subclass whose compress and decompress need no torch.no_grad() around them, without which CompressAI's fail."""
    methods = {name: torch.no_grad()(getattr(network, name)) for name in ("compress", "decompress")}
    return type(network.__name__, (network,), methods)
