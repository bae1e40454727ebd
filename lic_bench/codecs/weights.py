"""The one way from a checkpoint's content into a network: unwrapped, renamed, then every key, shape and value checked.

LALIC, the adapters and networks straight from a factory are all read here; what is special of one is its `KeyTable`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

WRAPPERS = ("state_dict", "model_state_dict", "model", "ema")
MOST_WRAPPERS = 8  # around each other; a file may hold a dict that contains itself
PREFIXES = re.compile(r"^((module|_orig_mod)\.)+")  # of torch.nn.DataParallel and torch.compile

# Tables, masks and bounds: made from the weights or constant, so the network has them whatever the file holds.
DERIVED = re.compile(
    r"(^|\.)(_offset|_quantized_cdf|_cdf_length|scale_table|scale_bound|target|mask|bound|pedestal"
    r"|relative_position_index|_indexes_table|_prior_mean|_prior_scale)$"
)

Rename = tuple[re.Pattern[str], str]
LikelyCause = Callable[[Mapping[str, Tensor]], str]


def renames(*pairs: tuple[str, str]) -> tuple[Rename, ...]:
    """Compiled (pattern, replacement) pairs; all are applied, in order, to every key."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


BEFORE_COMPRESSAI_1_2_5 = renames(
    (r"\._matrix(\d)$", r".matrices.\1"),
    (r"\._bias(\d)$", r".biases.\1"),
    (r"\._factor(\d)$", r".factors.\1"),
)
NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class KeyTable:
    """How the checkpoints of one codec name their entries.

    renames: from the file's names to the network's. derived: names, beside DERIVED, of what is made from the weights.
    second_copy: keys that repeat what stands under another key, which counts; only their shape has to agree.
    """

    renames: tuple[Rename, ...] = ()
    derived: re.Pattern[str] = NEVER
    second_copy: re.Pattern[str] = NEVER


def parameters_of(state: Mapping[str, Any], table: KeyTable | None = None) -> dict[str, Tensor]:
    """The parameters of a checkpoint under the network's names; a key that is already such a name passes unchanged.

    Raises ValueError if two keys get the same name, or an entry is not a tensor.
    """
    table = table or KeyTable()
    first: dict[str, Tensor] = {}
    second: dict[str, Tensor] = {}
    for key, value in unwrapped(state).items():
        name = present_name(key, table.renames)
        if DERIVED.search(name) or table.derived.search(name):
            continue
        _add(second if table.second_copy.search(PREFIXES.sub("", key)) else first, name, key, value)
    for name, value in second.items():
        if first.setdefault(name, value).shape != value.shape:
            raise ValueError(f"two copies of {name} differ in shape; the file is damaged or edited.")
    return first


def load_any(network: nn.Module, state: Mapping[str, Any]) -> None:
    """Load a checkpoint into a network of unknown origin, whose own names are never translated.

    A network with a load_state_dict of its own (not torch's or CompressAI's) gets the unwrapped, renamed entries by it.
    Raises ValueError as `load_strictly`.
    """
    own = network.state_dict()
    values: dict[str, Tensor] = {}
    for key, value in unwrapped(state).items():
        _add(values, key if key in own else present_name(key), key, value)
    loader = next(kind for kind in type(network).__mro__ if "load_state_dict" in vars(kind))
    if loader.__module__.split(".")[0] in ("torch", "compressai"):
        load_strictly(network, values)
    else:
        network.load_state_dict(values)
        check_values(network, dict(network.named_parameters()))


def load_strictly(network: nn.Module, values: Mapping[str, Tensor], likely_cause: LikelyCause | None = None) -> None:
    """Copy `values` into the parameters and buffers of the same names, converted to the network's type.

    float64 parameters make the network float64. Derived entries are copied only where their shape is the network's.
    likely_cause: says in words what values that do not fit may be.
    Raises ValueError for a missing key, an unexpected key or a wrong shape, naming the first three; for a parameter
    with NaN or infinite values, and for integers or complex numbers in place of real ones.
    """
    wanted = network.state_dict(keep_vars=True)
    derived = {n for n in (*wanted, *values) if DERIVED.search(n) and not isinstance(wanted.get(n), nn.Parameter)}
    given = {n: v for n, v in values.items() if n not in derived or (n in wanted and wanted[n].shape == v.shape)}
    _check_names_and_shapes({n: v for n, v in wanted.items() if n in given or n not in derived}, given, likely_cause)
    check_values(network, given)
    if any(given[name].dtype == torch.float64 for name, _ in network.named_parameters() if name in given):
        network.double()
    with torch.no_grad():
        for name, value in network.state_dict(keep_vars=True).items():
            if name in given:
                value.copy_(given[name])


def unwrapped(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The innermost state dict of a checkpoint, whatever stands beside it."""
    for _ in range(MOST_WRAPPERS):
        state = next((state[name] for name in WRAPPERS if isinstance(state.get(name), Mapping)), state)
    return state


def ignored_weights(state: Mapping[str, Any]) -> list[str]:
    """What a checkpoint calls the weights that stand beside those that `unwrapped` gives, as "ema" beside "model"."""
    return [name for name in WRAPPERS if isinstance(state.get(name), Mapping) and state[name]][1:]


def present_name(key: str, renames: Sequence[Rename] = ()) -> str:
    """A key without the prefixes of wrapping modules, in CompressAI's present names, then renamed by `renames`."""
    name = PREFIXES.sub("", key)
    for pattern, replacement in (*BEFORE_COMPRESSAI_1_2_5, *renames):
        name = pattern.sub(replacement, name)
    return name


def _add(values: dict[str, Tensor], name: str, key: str, value: object) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(f"entry {key!r} is a {type(value).__name__}, not a tensor.")
    if name in values:
        raise ValueError(f"{name} is there twice, under its old and its new name.")
    values[name] = value


def _check_names_and_shapes(
    wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], likely_cause: LikelyCause | None
) -> None:
    missing = [name for name in wanted if name not in given]
    unexpected = [name for name in given if name not in wanted]
    misshapen = [
        f"{name} {list(given[name].shape)} instead of {list(value.shape)}"
        for name, value in wanted.items()
        if name in given and given[name].shape != value.shape
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "of another shape": misshapen}
    if complaints := [f"{len(names)} {kind}: {first_few(names)}" for kind, names in kinds.items() if names]:
        cause = likely_cause(given) if likely_cause else _usual_cause(missing, unexpected)
        raise ValueError(f"keys do not fit, {'; '.join(complaints)}. Likely cause: {cause}.")


def _usual_cause(missing: Sequence[str], unexpected: Sequence[str]) -> str:
    if len(parts := {name.partition(".")[0] for name in unexpected}) == 1:
        (first,) = parts
        if set(missing) & {name.removeprefix(f"{first}.") for name in unexpected}:
            return f"a module around the network, {first!r}; save the state_dict of the network itself"
    if unexpected:
        return "another codec, or another version of its code"
    return "part of the file is lost" if missing else "weights of a network with other widths"


def check_values(network: nn.Module, given: Mapping[str, Any]) -> None:
    """Raise ValueError for a value of another kind than the network's, a NaN, or an infinite parameter.

    given: by the network's names; others do not count. Buffers may be infinite, as masks of attention are.
    """
    for name, own in network.state_dict(keep_vars=True).items():
        if not isinstance(value := given.get(name), Tensor):
            continue
        other_kind = (value.is_floating_point(), value.is_complex()) != (own.is_floating_point(), own.is_complex())
        infinite = isinstance(own, nn.Parameter) and value.isinf().any()
        if other_kind or value.isnan().any() or infinite:
            raise ValueError(f"entry {name!r} ({value.dtype}) is not of finite real numbers; get the file again.")


def first_few(names: Iterable[str], count: int = 3) -> str:
    """The first of some names, and how many more there are."""
    names = list(names)
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")
