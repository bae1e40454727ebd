"""From a codec's name to a loaded network or codec: where weights are found, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from lic_bench.checkpoints import sha256_of
from lic_bench.codec import Codec
from lic_bench.errors import UserError
from lic_bench.model_codec import ModelCodec
from lic_bench.registry import load_target, resolve
from lic_bench.spec import CodecSpec

RANDOM = "random"
SEED = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A codec ready to work.

    weights: their sha256, "random", or None for codecs without weights. kernels: see CodecSpec; None for codecs that
        have no choice.
    """

    codec: Codec
    weights: str | None
    kernels: str | None = None


def load_model(
    codec: str,
    quality: int | None = None,
    checkpoint: str | Path | Mapping[str, Tensor] | None = None,
    device: str | torch.device = "cpu",
) -> nn.Module:
    """The network of a learned codec in eval mode, entropy tables made.

    codec: name or alias. quality: picks the released weights; needed only for codecs whose network differs by it.
    checkpoint: a path, a state dict, or None for fresh weights from a fixed seed.
    Raises UserError for an unknown codec or quality, a codec without a network, a missing or wrong checkpoint.
    """
    spec = resolve(codec)
    if spec.kind != "learned":
        raise UserError(f"Codec {spec.name!r} has no network: it is a {spec.kind} codec.")
    if quality is not None:
        spec.check_quality(quality)
    if isinstance(checkpoint, str | Path):
        return _build(spec, read_checkpoint(Path(checkpoint)), str(checkpoint)).to(device)
    return _build(spec, checkpoint, "the given state dict").to(device)


def load_codec(spec: CodecSpec, quality: int, weights: Path | None, device: torch.device) -> Loaded:
    """A fresh instance of the codec at `quality`. weights: the checkpoint file of a learned codec, None for random."""
    spec.check_quality(quality)
    if spec.kind == "classical":
        return Loaded(cast(Callable[[int], Codec], load_target(spec.load))(quality), None)
    if spec.padding is None:
        raise UserError(f"Codec {spec.name!r}: its SPEC declares no padding; a learned codec needs one.")
    module = load_model(spec.name, quality, weights, device)
    kernels = kernels_of(spec, device)
    codec = ModelCodec(module, spec.padding, kernels or "")
    return Loaded(codec, sha256_of(weights) if weights else RANDOM, kernels)


def kernels_of(spec: CodecSpec, device: torch.device) -> str | None:
    """The name of the kernels that a codec computes with on a device; None if it has no choice."""
    return cast(Callable[[str], str], load_target(spec.kernels))(str(device)) if spec.kernels else None


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """The content of a weights file, read without running code from it; may still be wrapped ("state_dict")."""
    if not path.is_file():
        raise UserError(f"Weights file {path} is not there; see `lic-bench doctor` for where weights are looked for.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a wrong file fails in as many ways as there are formats
        size = path.stat().st_size
        raise UserError(
            f"Weights file {path} ({size} bytes) is no PyTorch state dict of tensors alone ({type(error).__name__}): "
            "get it again, a quota or error page may have been saved instead."
        ) from None
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise UserError(f"Weights file {path} holds a {type(content).__name__}, not a state dict with names.")
    return content


def _build(spec: CodecSpec, state: Mapping[str, Any] | None, source: str) -> nn.Module:
    build = cast(Callable[[Mapping[str, Any] | None], nn.Module], load_target(spec.load))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        try:
            module = build(state).eval()
        except (ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
            if state is None:
                raise
            raise UserError(f"{source} does not fit codec {spec.name!r}: {' '.join(str(error).split())}") from None
    update = cast(Callable[..., object], module.update)
    update(force=True)
    return module
