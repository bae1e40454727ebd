"""Reading weights: the authors' checkpoints (keys as in RwkvCompress) and our own state dicts, both strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from lalic.config import Context, LalicConfig

WRAPPERS = ("state_dict", "model_state_dict")

# Applied in order to every key; a key that is already ours passes unchanged.
RENAMES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^module\.", ""),
        (r"^latent_codec\.hyper\.(h_a|h_s|entropy_bottleneck)\.", r"\1."),
        (r"^latent_codec\.y\.channel_context\.y(\d+)\.", r"context.groups.\1.channel."),
        (r"^latent_codec\.y\.latent_codec\.y(\d+)\.context_prediction\.", r"context.groups.\1.spatial."),
        (r"^latent_codec\.y\.latent_codec\.y(\d+)\.y\.", r"context.groups.\1."),
        (r"^latent_codec\.y\.latent_codec\.y(\d+)\.entropy_parameters\.0\.", r"context.groups.\1.aggregation.0."),
        (r"^latent_codec\.y\.latent_codec\.y(\d+)\.entropy_parameters\.2\.", r"context.groups.\1.aggregation.1."),
        (r"^latent_codec\.y\.latent_codec\.y(\d+)\.entropy_parameters\.4\.", r"context.groups.\1.aggregation.2."),
        (r"(aggregation\.\d+)\.(key|value|receptance)\.", r"\1.mlp.\2."),
        (r"\.ln([12])\.", r".norm\1."),
        (r"\.att\.", ".spatial_mix."),
        (r"\.ffn\.(key|value|receptance)\.", r".channel_mix.mlp.\1."),
        (r"\.ffn\.", ".channel_mix."),
        (r"\.omni_shift\.conv([135])x\1\.weight$", r".shift.kernel\1"),
        (r"\.omni_shift\.", ".shift."),
        (r"\._matrix(\d)$", r".matrices.\1"),
        (r"\._bias(\d)$", r".biases.\1"),
        (r"\._factor(\d)$", r".factors.\1"),
    )
]

# Derived from the weights or constant: made anew, whatever the file holds.
DERIVED = re.compile(
    r"(\.conv5x5_reparam\.weight|\.(_offset|_quantized_cdf|_cdf_length|scale_table|scale_bound|target|mask)"
    r"|\.(likelihood_lower_bound|lower_bound_scale)\.bound)$"
)

COPY = re.compile(r"^(module\.)?latent_codec\.hyper\.h_[as]\.")

# Output weights of the inner layers, by context model: what follows `aggregation.` or `channel.` in our names.
INNER: dict[Context, tuple[str, str]] = {
    "rwkv": ("0.mix.weight", "1.mix.weight"),
    "conv": ("0.weight", "2.weight"),
    "conv-plus": ("0.contract.weight", "1.contract.weight"),
}


def own_state(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parameters of a checkpoint under our names.

    Unwraps "state_dict" and "model_state_dict" and drops what is derived. The authors' files hold h_a and h_s twice:
    as in their code the copy at the top level counts, the other only has to have its shape.
    Raises ValueError where shapes of copies differ or an entry is no tensor.
    """
    for wrapper in WRAPPERS:
        if isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    own: dict[str, Tensor] = {}
    for key, value in state.items():
        if DERIVED.search(key):
            continue
        if not isinstance(value, Tensor):
            raise ValueError(f"LALIC weights: entry {key!r} is a {type(value).__name__}, not a tensor.")
        name = own_name(key)
        if name.endswith(".mix.weight"):
            value = value.flatten(1)  # the authors' 1x1 convolution, our linear layer
        if name in own and own[name].shape != value.shape:
            raise ValueError(f"LALIC weights: two copies of {name} differ in shape; the file is damaged or edited.")
        if name not in own or not COPY.match(key):
            own[name] = value
    return own


def own_name(key: str) -> str:
    """Our name for a key of the authors' state dict, or of ours."""
    for pattern, replacement in RENAMES:
        key = pattern.sub(replacement, key)
    return key


def infer_config(own: Mapping[str, Tensor]) -> LalicConfig:
    """The sizes and variants that the names and shapes of `own` (our names) tell."""
    try:
        analysis, hyper = _convolutions(own, "g_a"), _convolutions(own, "h_a")
        positions, widths = list(analysis), tuple(analysis.values())
        groups = _count(own, "context.groups")
        context = _context(own)
        return LalicConfig(
            widths=widths,
            depths=tuple(b - a - 1 for a, b in pairwise(positions)),
            hyper_widths=tuple(hyper.values()),
            hyper_depth=list(hyper)[-1] - 1,
            groups=tuple(own[f"context.groups.{i}.spatial.weight"].shape[1] for i in range(groups)),
            hidden_ratio=_ratio(own["g_a.1.channel_mix.mlp.key.weight"]),
            aggregation_floor=_floor(own, "aggregation", context, range(groups)),
            context=context,
            attention="biwkv" if _in_transforms(own, "decay") else "aft",
            shift=_in_transforms(own, "alpha"),
            **_channel_sizes(own, context, groups),
        )
    except (KeyError, IndexError, ValueError) as error:
        found = _few(own) if own else "none"
        why = f"{error} not found" if isinstance(error, KeyError) else error
        raise ValueError(f"LALIC weights: not the state dict of a LALIC network: {why}. Keys: {found}.") from None


def load_weights(model: nn.Module, own: Mapping[str, Tensor]) -> None:
    """Copy `own` into the parameters of `model`, converted to their type; every key and shape must agree."""
    wanted = dict(model.named_parameters())
    missing = [name for name in wanted if name not in own]
    extra = [name for name in own if name not in wanted]
    if missing or extra:
        cause = "part of the file is lost" if not extra else "another codec, or another version of LALIC's code"
        parts = [f"{len(keys)} {what}: {_few(keys)}" for keys, what in ((missing, "missing"), (extra, "extra")) if keys]
        raise ValueError(f"LALIC weights: keys do not fit. {'; '.join(parts)}. Likely cause: {cause}.")
    wrong = [
        f"{name} is {list(own[name].shape)}, needs {list(parameter.shape)}"
        for name, parameter in wanted.items()
        if own[name].shape != parameter.shape
    ]
    if wrong:
        cause = "weights of a network with other widths"
        raise ValueError(f"LALIC weights: {len(wrong)} wrong shapes: {_few(wrong)}. Likely cause: {cause}.")
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(own[name])


def _convolutions(own: Mapping[str, Tensor], transform: str) -> dict[int, int]:
    """Position in the transform -> output channels, of its convolutions."""
    keys = (re.fullmatch(rf"{transform}\.(\d+)\.weight", name) for name in own)
    return {at: own[f"{transform}.{at}.weight"].shape[0] for at in sorted(int(key[1]) for key in keys if key)}


def _count(own: Mapping[str, Tensor], prefix: str) -> int:
    found = (re.match(rf"{re.escape(prefix)}\.(\d+)\.", name) for name in own)
    return len({match[1] for match in found if match})


def _context(own: Mapping[str, Tensor]) -> Context:
    found = (context for context, (first, _) in INNER.items() if f"context.groups.0.aggregation.{first}" in own)
    return next(found, "rwkv")


def _channel_sizes(own: Mapping[str, Tensor], context: Context, groups: int) -> dict[str, int]:
    if context == "rwkv":
        return {"context_ratio": _ratio(own["context.groups.1.channel.1.channel_mix.mlp.key.weight"])}
    return {"channel_floor": _floor(own, "channel", context, range(1, groups))}


def _floor(own: Mapping[str, Tensor], network: str, context: Context, groups: Iterable[int]) -> int:
    names = (f"context.groups.{i}.{network}.{layer}" for i in groups for layer in INNER[context])
    return min(own[name].shape[0] for name in names)


def _in_transforms(own: Mapping[str, Tensor], parameter: str) -> bool:
    return any(name.startswith(("g_", "h_")) and name.endswith(f".{parameter}") for name in own)


def _ratio(weight: Tensor) -> int:
    return weight.shape[0] // weight.shape[1]


def _few(items: Iterable[str], count: int = 3) -> str:
    items = list(items)
    return ", ".join(items[:count]) + (f" and {len(items) - count} more" if len(items) > count else "")
