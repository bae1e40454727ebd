"""What is LALIC's own in reading weights: the names of the authors' checkpoints and the sizes that the shapes tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from torch import Tensor

from lalic.config import Context, LalicConfig
from lic_bench.codecs.weights import KeyTable, first_few, parameters_of, renames

# From the names of RwkvCompress, which holds h_a, h_s and the entropy bottleneck twice: at the top level and in
# latent_codec.hyper. As in the authors' code the copy at the top level counts.
AUTHORS_NAMES = KeyTable(
    renames=renames(
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
    ),
    derived=re.compile(r"\.conv5x5_reparam\.weight$|\.(likelihood_lower_bound|lower_bound_scale)\.bound$"),
    second_copy=re.compile(r"^latent_codec\.hyper\."),
)

# Output weights of the inner layers, by context model: what follows `aggregation.` or `channel.` in our names.
INNER: dict[Context, tuple[str, str]] = {
    "rwkv": ("0.mix.weight", "1.mix.weight"),
    "conv": ("0.weight", "2.weight"),
    "conv-plus": ("0.contract.weight", "1.contract.weight"),
}


def lalic_parameters(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parameters of the authors' checkpoint, or of our own state dict, under our names.

    Raises ValueError where shapes of copies differ or an entry is not a tensor.
    """
    return {
        name: value.flatten(1) if name.endswith(".mix.weight") else value  # the authors' 1x1 convolution, ours linear
        for name, value in parameters_of(state, AUTHORS_NAMES).items()
    }


def infer_config(parameters: Mapping[str, Tensor]) -> LalicConfig:
    """The sizes and variants that names and shapes tell. Raises ValueError if they are not of a LALIC network."""
    try:
        analysis, hyper = _convolutions(parameters, "g_a"), _convolutions(parameters, "h_a")
        positions, widths = list(analysis), tuple(analysis.values())
        groups = _count(parameters, "context.groups")
        context = _context(parameters)
        return LalicConfig(
            widths=widths,
            depths=tuple(b - a - 1 for a, b in pairwise(positions)),
            hyper_widths=tuple(hyper.values()),
            hyper_depth=list(hyper)[-1] - 1,
            groups=tuple(parameters[f"context.groups.{i}.spatial.weight"].shape[1] for i in range(groups)),
            hidden_ratio=_ratio(parameters["g_a.1.channel_mix.mlp.key.weight"]),
            aggregation_range=_inner_range(parameters, "aggregation", context, range(groups)),
            context=context,
            attention="biwkv" if _in_transforms(parameters, "decay") else "aft",
            shift=_in_transforms(parameters, "alpha"),
            **_channel_sizes(parameters, context, groups),
        )
    except (KeyError, IndexError, ValueError) as error:
        keys = first_few(parameters) if parameters else "none"
        why = f"{error} not found" if isinstance(error, KeyError) else error
        raise ValueError(f"not the state dict of a LALIC network: {why}. Keys: {keys}.") from None


def _convolutions(parameters: Mapping[str, Tensor], transform: str) -> dict[int, int]:
    """Position in the transform -> output channels, of its convolutions."""
    keys = (re.fullmatch(rf"{transform}\.(\d+)\.weight", name) for name in parameters)
    positions = sorted(int(key[1]) for key in keys if key)
    return {position: parameters[f"{transform}.{position}.weight"].shape[0] for position in positions}


def _count(parameters: Mapping[str, Tensor], prefix: str) -> int:
    """How many numbered modules there are directly under a prefix."""
    matches = (re.match(rf"{re.escape(prefix)}\.(\d+)\.", name) for name in parameters)
    return len({match[1] for match in matches if match})


def _context(parameters: Mapping[str, Tensor]) -> Context:
    contexts = (name for name, (layer, _) in INNER.items() if f"context.groups.0.aggregation.{layer}" in parameters)
    return next(contexts, "rwkv")


def _channel_sizes(parameters: Mapping[str, Tensor], context: Context, groups: int) -> dict[str, int]:
    if context == "rwkv":
        return {"context_ratio": _ratio(parameters["context.groups.1.channel.1.channel_mix.mlp.key.weight"])}
    return {"channel_floor": _inner_range(parameters, "channel", context, range(1, groups))[0]}


def _inner_range(
    parameters: Mapping[str, Tensor], network: str, context: Context, groups: Iterable[int]
) -> tuple[int, int]:
    names = (f"context.groups.{i}.{network}.{layer}" for i in groups for layer in INNER[context])
    widths = [parameters[name].shape[0] for name in names]
    return min(widths), max(widths)


def _in_transforms(parameters: Mapping[str, Tensor], parameter: str) -> bool:
    return any(name.startswith(("g_", "h_")) and name.endswith(f".{parameter}") for name in parameters)


def _ratio(weight: Tensor) -> int:
    return weight.shape[0] // weight.shape[1]
