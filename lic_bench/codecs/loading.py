"""From a codec's name to a loaded network or codec: where weights are found, read and checked."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getattr_static
from pathlib import Path
from textwrap import shorten
from typing import Any, cast

import torch
from torch import Tensor, nn

from lic_bench.codec import Codec
from lic_bench.codecs.checkpoint_file import read_checkpoint
from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.codecs.entropy_models import use_coder
from lic_bench.codecs.factory_targets import is_target
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.network_variants import make_variant
from lic_bench.codecs.process_settings import kept_settings, seed_random_numbers
from lic_bench.codecs.registry import load_target, resolve_codec
from lic_bench.codecs.variants import check_gpu
from lic_bench.codecs.weights import check_values, ignored_weights, load_any, present_name, unwrapped
from lic_bench.errors import UserError
from lic_bench.spec import CodecSpec

RANDOM = "random"
SEED = 0
CONVENTION = ("compress", "decompress", "forward", "update")
LONGEST = 900  # characters of an error message of the code that builds a network


class Misfit(UserError):
    """A weights file is of another network than the codec's. reason: how it differs, without advice."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(
            f"{source} {reason}. Name the codec that it is of, or a function that builds its network: "
            "--codecs package.module:factory."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Loaded:
    """A codec ready to work.

    weights: their sha256 (of the file, or of the state dict of a network that brings its own), "random", or None for
        codecs without weights. kernels: the name of those it computes with; None for codecs that have no choice.
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
    spec = resolve_codec(codec)
    if spec.kind != "learned":
        raise UserError(f"Codec {spec.name!r} has no network: it is a {spec.kind} codec.")
    if quality is not None:
        spec.check_quality(quality)
    state = read_checkpoint(Path(checkpoint)) if isinstance(checkpoint, str | Path) else checkpoint
    source = str(checkpoint) if isinstance(checkpoint, str | Path) else "the given state dict"
    return _placed(spec, _ready(spec, _build(spec, quality, state, source)), torch.device(device))


def check_fits(spec: CodecSpec, quality: int, weights: Path) -> list[str]:
    """Open a weights file to see that it fits the codec; what the user should know of it.

    Raises UserError as `load_model`.
    """
    content = read_checkpoint(weights)
    _ready(spec, _build(spec, quality, content, str(weights)))
    return [f"{weights} holds {name!r} besides, which is not used" for name in ignored_weights(content)]


def new_network(spec: CodecSpec, quality: int, weights: Path | None, seed: int) -> nn.Module:
    """A network to train, without entropy tables. weights: a checkpoint file; None: fresh weights from `seed`.

    Raises UserError as `load_model`, and for weights of another network than the codec's.
    """
    fresh = _build(spec, quality, None, seed=seed)
    if weights is None:
        return fresh
    network = _build(spec, quality, read_checkpoint(weights), str(weights))
    shapes = [{name: value.shape for name, value in module.named_parameters()} for module in (network, fresh)]
    if shapes[0] != shapes[1]:
        raise Misfit(str(weights), f"holds the weights of another network than {spec.name!r}'s")
    return network.float()


def load_codec(spec: CodecSpec, quality: int, weights: Path | None, device: torch.device) -> Loaded:
    """A fresh instance of the codec at `quality`. weights: the checkpoint file of a learned codec, None for random."""
    spec.check_quality(quality)
    if spec.kind != "learned":
        with kept_settings():
            return Loaded(cast(Callable[..., Codec], load_target(spec.load))(quality, **spec.settings), None)
    if spec.padding is None:
        raise UserError(f"Codec {spec.name!r}: its SPEC declares no padding; a learned codec needs one.")
    module = _build(spec, quality, read_checkpoint(weights) if weights else None, str(weights))
    name = sha256_of(weights) if weights else sha256_of_state(module) if spec.own_weights else RANDOM
    kernels = kernels_of(spec, device)
    ready = _ready(spec, module).float()  # images come in float32, whatever the weights were saved in
    return Loaded(NetworkCodec(_placed(spec, ready, device), spec.padding, kernels or ""), name, kernels)


def weights_of(spec: CodecSpec, quality: int, file: Path | None) -> str:
    """What run.json says of a learned codec's weights at `quality`: their sha256, or "random".

    A network that comes straight from a factory, or with its own weights, is made once to see that it can be. Of a
    fresh one from a factory the hash of its state is said too: another network under the name is another run.
    Raises UserError where that fails, or where weights said to be trained change with the seed: then they are fresh.
    """
    if file:
        return sha256_of(file)
    if not (spec.own_weights or is_target(spec.name)):
        return RANDOM
    module = _build(spec, quality, None)
    name = sha256_of_state(module)
    _ready(spec, module)
    if not spec.own_weights:
        return f"{RANDOM} {name[:12]}"
    if name != sha256_of_state(_build(spec, quality, None, seed=SEED + 1)):
        raise UserError(
            f"Codec {spec.name!r}: the weights that {spec.load} gives change with the seed, so they are not all "
            "trained; load them there, or leave out weights=own."
        )
    return name


def sha256_of_state(module: nn.Module) -> str:
    """sha256 in hexadecimal over name, type, shape and bytes of the tensors in a module's state dict, by name."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        if isinstance(value, Tensor):
            digest.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def kernels_of(spec: CodecSpec, device: torch.device) -> str | None:
    """The name of the kernels that a codec computes with on a device; None if it has no choice."""
    return cast(Callable[[str], str], load_target(spec.kernels))(str(device)) if spec.kernels else None


def _build(
    spec: CodecSpec, quality: int | None, state: Mapping[str, Any] | None, source: str = "", seed: int = SEED
) -> nn.Module:
    """The network in eval mode, before its entropy tables. source: where `state` is from, for messages."""
    if quality is None and "quality" in spec.arguments:
        raise UserError(f"Codec {spec.name!r} is another network at every quality; name one of {spec.allowed_text()}.")
    if state is not None and not any(isinstance(value, Tensor) for value in unwrapped(state).values()):
        raise UserError(f"{source} holds no weights.")
    try:
        with kept_settings():
            return _checked(spec, _called_seeded(spec, quality, state, seed)).eval()
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # other people's code
        if state is not None:
            raise Misfit(source, f"does not fit codec {spec.name!r}: {_line(error).rstrip('.')}") from None
        where = "" if quality is None else f" at {spec.quality_name} {quality}"
        kind = type(error).__name__
        raise UserError(f"Codec {spec.name!r} cannot be built{where}: {kind}: {_line(error)}") from error


def _called_seeded(spec: CodecSpec, quality: int | None, state: Mapping[str, Any] | None, seed: int) -> object:
    """What the codec's function gives when every random number that it draws follows from the seed.

    It is called again where it imported something the first time: what an import draws is drawn once in a process.
    """
    load_target(spec.load)
    imported = len(sys.modules)
    seed_random_numbers(seed)
    network = _called(spec, quality, state)
    if state is None and len(sys.modules) > imported:
        del network  # before there are two
        seed_random_numbers(seed)
        network = _called(spec, quality, state)
    return network


def _called(spec: CodecSpec, quality: int | None, state: Mapping[str, Any] | None) -> object:
    """What the codec's function gives; `state` is loaded into it where the function does not do so itself."""
    values = {"state": state, "quality": quality, "pretrained": spec.own_weights}
    build = cast(Callable[..., object], load_target(spec.load))
    module = build(**{name: values[name] for name in spec.arguments}, **spec.settings)
    if state is None or "state" not in spec.arguments:
        _check_precision(spec, _checked(spec, module))
    if state is not None and "state" not in spec.arguments:
        load_any(_checked(spec, module), state)
    elif state is not None:
        check_values(_checked(spec, module), {present_name(key): value for key, value in unwrapped(state).items()})
    return module


def _checked(spec: CodecSpec, module: object) -> nn.Module:
    """The module, if it follows CompressAI's calling convention."""
    if not isinstance(module, nn.Module):
        raise UserError(
            f"Codec {spec.name!r}: {spec.load} gives a value of type {type(module).__name__}, no torch.nn.Module."
        )
    lacking = [name for name in CONVENTION if not callable(getattr(module, name, None))]
    if getattr_static(module, "forward", None) is nn.Module.forward:  # torch's own stands for "not implemented"
        lacking.append("forward")
    if lacking:
        raise UserError(
            f"Codec {spec.name!r}: {type(module).__name__} has no {', '.join(lacking)}; a network needs CompressAI's "
            f"{', '.join(CONVENTION)}."
        )
    return module


def _check_precision(spec: CodecSpec, module: nn.Module) -> None:
    """Raise UserError where a network is made in another type than float32, in which all are measured.

    For before a weights file is loaded, whose type it may take.
    """
    types = {value.dtype for value in module.parameters() if value.is_floating_point()} - {torch.float32}
    if types:
        name = str(types.pop()).removeprefix("torch.")
        raise UserError(
            f"Codec {spec.name!r}: {spec.load} gives weights in {name}; networks are measured in float32, so call "
            ".float() there."
        )


def _ready(spec: CodecSpec, module: nn.Module) -> nn.Module:
    """The module with entropy tables made from its weights, for its codec's coder."""
    update = cast(Callable[..., object], module.update)
    try:
        with kept_settings():
            update(force=True)
    except (Exception, SystemExit) as error:  # other people's code
        raise UserError(
            f"Codec {spec.name!r}: update(force=True) fails: {type(error).__name__}: {_line(error)}"
        ) from error
    use_coder(module, spec.coder)
    return module


def _placed(spec: CodecSpec, module: nn.Module, device: torch.device) -> nn.Module:
    """The network on its device, as the codec's variants have it."""
    check_gpu(spec, device.type)
    make_variant(module.to(device), spec)
    return module


def _line(error: BaseException) -> str:
    text = f"there is no entry {error}" if isinstance(error, KeyError) else str(error)
    return shorten(text, LONGEST, placeholder=" ...")
