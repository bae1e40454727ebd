"""What a variant does to a network; lic_bench.codecs.variants has the names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from compressai.entropy_models import EntropyModel
from torch import Tensor, nn

from lic_bench.codecs.cuda_graphs import GraphedPrediction
from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.codecs.transform_cache import TRANSFORMS
from lic_bench.codecs.variants import PARTS
from lic_bench.errors import UserError
from lic_bench.spec import CodecSpec

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
GRAPHS = 256  # that may be compiled for all transforms and image sizes together
Forward = Callable[..., Any]


def make_variant(network: nn.Module, spec: CodecSpec) -> None:
    """Change a float32 network into what the variants of its codec say.

    The coder is chosen elsewhere, see codecs.entropy_models. Raises UserError for a network that lacks a part.
    """
    for variant in spec.variants:
        if variant in DTYPES:
            _lower(network, spec, DTYPES[variant])
        elif variant == "tf32":
            for part in _one_sided_parts(network, spec):
                part.forward = _tf32()(part.forward)  # as a decorator
        elif variant == "channels-last":
            network.to(memory_format=torch.channels_last)  # its weights; what a convolution gives follows them
        elif variant == "compile":
            torch._dynamo.config.recompile_limit = GRAPHS
            torch._dynamo.config.fail_on_recompile_limit_hit = True  # else the rest would work uncompiled, unsaid
            for part in _transforms(network):
                part.forward = torch.compile(part.forward)
        elif variant == "cuda-graphs":
            assert isinstance(network, HyperpriorCodec)
            network.__dict__["predict"] = GraphedPrediction(network.predict)


def forget_compiled(spec: CodecSpec) -> None:
    """Before other networks of a codec are compiled: what was compiled before counts towards the limit too."""
    if "compile" in spec.variants:
        torch.compiler.reset()


def _lower(network: nn.Module, spec: CodecSpec, dtype: torch.dtype) -> None:
    """By the network's own `lower_precision(dtype)`; one without it has g_a, h_a and g_s converted as a whole."""
    own = getattr(network, "lower_precision", None)
    if callable(own):
        own(dtype)
        return
    for part in _one_sided_parts(network, spec):
        part.forward = _in_dtype(part.to(dtype).forward, dtype)


def _one_sided_parts(network: nn.Module, spec: CodecSpec) -> list[nn.Module]:
    """The submodules that the SPEC names g_a, h_a and g_s."""
    parts = []
    for pattern in (pattern for part in PARTS for pattern in spec.phases[part]):
        name = pattern.removeprefix("**.")
        anywhere = name != pattern
        found = [m for n, m in network.named_modules() if n == name or (anywhere and n.endswith(f".{name}"))]
        if not found:
            raise UserError(f"Codec {spec.name!r}: {type(network).__name__} has no {pattern!r}, which its SPEC names.")
        parts += found
    return parts


def _transforms(network: nn.Module) -> list[nn.Module]:
    """The submodules with a transform's name, as g_a; of a network without, its children that hold weights."""
    named = [module for name, module in network.named_modules() if name.rpartition(".")[2] in TRANSFORMS]
    children = (child for child in network.children() if not isinstance(child, EntropyModel | nn.ModuleList))
    return named or [child for child in children if next(child.parameters(), None) is not None]


def _in_dtype(forward: Forward, dtype: torch.dtype) -> Forward:
    """The call takes and gives float32, in between it is in `dtype`."""

    @wraps(forward)
    def cast(x: Tensor) -> Tensor:
        y: Tensor = forward(x.to(dtype))
        return y.float()

    return cast


@contextmanager
def _tf32() -> Iterator[None]:
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch in switches:
            switch.allow_tf32 = True
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value
