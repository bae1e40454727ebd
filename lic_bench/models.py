"""From a codec's name to a loaded network or codec: where weights are found, read and checked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import torch
from platformdirs import user_cache_path
from torch import Tensor, nn

from lic_bench.codec import Codec
from lic_bench.errors import UserError
from lic_bench.model_codec import ModelCodec
from lic_bench.registry import load_target, resolve
from lic_bench.spec import CodecSpec

RANDOM = "random"
SEED = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A codec ready to work, and what its weights are: sha256, "random", or None for codecs without weights."""

    codec: Codec
    weights: str | None


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
        return Loaded(cast(Callable[[int], Codec], load_target(spec))(quality), None)
    if spec.padding is None:
        raise UserError(f"Codec {spec.name!r}: its SPEC declares no padding; a learned codec needs one.")
    module = load_model(spec.name, quality, weights, device)
    return Loaded(ModelCodec(module, spec.padding), sha256_of(weights) if weights else RANDOM)


def checkpoint_folders(given: Path | None) -> list[Path]:
    """Where weights are looked for: --checkpoints, $LIC_BENCH_CHECKPOINTS, the user cache."""
    if given is not None:
        if not given.is_dir():
            raise UserError(f"--checkpoints {given}: no such folder; give the folder that holds the weights files.")
        return [given]
    named = os.environ.get("LIC_BENCH_CHECKPOINTS")
    return [*([Path(named)] if named else []), user_cache_path("lic-bench") / "checkpoints"]


def find_checkpoints(spec: CodecSpec, folders: list[Path]) -> dict[int, Path]:
    """quality -> weights file, for those of the codec's checkpoints that are there (FOLDER/file, FOLDER/codec/file)."""
    found = {}
    for quality, checkpoint in spec.checkpoints.items():
        places = [
            place for folder in folders for place in (folder / checkpoint.file, folder / spec.name / checkpoint.file)
        ]
        file = next((place for place in places if place.is_file()), None)
        if file:
            found[quality] = file
    return found


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """The content of a weights file, read without running code from it; may still be wrapped ("state_dict")."""
    if not path.is_file():
        raise UserError(f"Weights file {path} is not there; see `lic-bench doctor` for where weights are looked for.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a wrong file fails in as many ways as there are formats
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"Weights file {path} cannot be read as a PyTorch state dict: {first}") from None
    if not isinstance(content, Mapping):
        raise UserError(f"Weights file {path} holds a {type(content).__name__}, not a state dict.")
    return content


def sha256_of(path: Path) -> str:
    """sha256 of a file in hexadecimal; remembered while the file keeps its size and time."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: Path, _size: int, _time: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _build(spec: CodecSpec, state: Mapping[str, Any] | None, source: str) -> nn.Module:
    build = cast(Callable[[Mapping[str, Any] | None], nn.Module], load_target(spec))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        try:
            module = build(state).eval()
        except (ValueError, KeyError, RuntimeError) as error:
            if state is None:
                raise
            raise UserError(f"{source} does not fit codec {spec.name!r}: {' '.join(str(error).split())}") from None
    update = cast(Callable[..., object], module.update)
    update(force=True)
    return module
