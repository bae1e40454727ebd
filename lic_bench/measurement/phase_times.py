"""Where the time of one call goes: seconds by phase, by what a codec's SPEC declares of its submodules.

The modules have hooks during the call only. A network's phases are timed on its device, those of the entropy coder and
of copies on the host (phase_timeline.py), and nothing waits that would not wait anyway.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from itertools import count
from typing import Any

import torch
from torch import nn

from lic_bench.errors import UserError, hint
from lic_bench.measurement.phase_timeline import Timeline
from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL, listen_to_marks

PhasePatterns = Mapping[str, tuple[str, ...]]

# CompressAI's names, wherever they are in the tree: for codecs whose SPEC declares no phases.
COMPRESSAI_PHASES: PhasePatterns = {
    **{name: (f"**.{name}",) for name in ("g_a", "h_a", "g_s")},
    "h_s": ("**.h_s", "**.h_mean_s", "**.h_scale_s"),
    "context *": (
        *("**.channel_context.y*", "**.latent_codec.y*.compress", "**.latent_codec.y*.decompress"),
        *("**.cc_mean_transforms.*", "**.cc_scale_transforms.*", "**.lrp_transforms.*"),
    ),
    "context": ("**.context_prediction", "**.entropy_parameters"),
}
# Methods of CompressAI's entropy models, of every codec: hooks only see a module's own call.
ENTROPY_MODELS: PhasePatterns = {
    ENTROPY_CODER: tuple(
        f"**.{model}.{method}"
        for model in ("entropy_bottleneck", "gaussian_conditional")
        for method in ("compress", "decompress", "build_indexes")
    )
}


@dataclass(frozen=True, slots=True)
class PhaseCall:
    """The calls that belong to a phase. method: None for the module's own. phase: "#" stands for the call's number."""

    module: nn.Module
    method: str | None
    phase: str


def measure_phases(
    call: Callable[[], object], module: nn.Module, declared: PhasePatterns, device: torch.device
) -> dict[str, float]:
    """Seconds by phase of one call of `call()`, which uses `module` on `device`.

    declared: CodecSpec.phases; COMPRESSAI_PHASES if it is empty. Keys: the phases that were entered, always "entropy
    coder", "copies" and "other", and the sum of all, "total". Raises UserError for a pattern that fits nothing.
    """
    phase_calls = find_phase_calls(module, declared)
    timeline = Timeline(device)
    with record_phases(phase_calls, timeline), timeline:
        call()
    seconds = dict.fromkeys((ENTROPY_CODER, COPIES, OTHER), 0.0) | timeline.seconds()
    return seconds | {TOTAL: sum(seconds.values())}


def find_phase_calls(module: nn.Module, declared: PhasePatterns) -> list[PhaseCall]:
    """The calls that `declared` names; one that two phases name belongs to the first.

    Raises UserError for a declared pattern that fits nothing.
    """
    modules = dict(module.named_modules(remove_duplicate=False))
    phase_calls: dict[tuple[int, str | None], PhaseCall] = {}
    for phases, required in ((declared or COMPRESSAI_PHASES, bool(declared)), (ENTROPY_MODELS, False)):
        for phase, patterns in phases.items():
            for pattern in patterns:
                matches = list(_match_calls(modules, pattern, phase))
                if required and not matches:
                    raise _no_match_error(module, modules, phase, pattern)
                for match in matches:
                    phase_calls.setdefault((id(match.module), match.method), match)
    return list(phase_calls.values())


def _match_calls(modules: Mapping[str, nn.Module], pattern: str, phase: str) -> Iterator[PhaseCall]:
    """The submodules that the pattern names, or if there are none, the methods."""
    named = [(module, match) for name, module in modules.items() if (match := _regex(pattern).fullmatch(name))]
    if named:
        yield from (PhaseCall(module, None, _fill_phase(phase, match)) for module, match in named)
        return
    owner, _, method = pattern.rpartition(".")
    for name, module in modules.items():
        match = _regex(owner).fullmatch(name)
        if match and callable(getattr(type(module), method, None)):
            yield PhaseCall(module, method, _fill_phase(phase, match))


def _regex(pattern: str) -> re.Pattern[str]:
    """ "*" matches any part of one name of the path and is captured; "**." any number of names, or none."""
    wildcards = {"**.": r"(?:.+\.)?", "*": r"([^.]*)"}
    return re.compile("".join(wildcards.get(part) or re.escape(part) for part in re.split(r"(\*\*\.|\*)", pattern)))


def _fill_phase(phase: str, match: re.Match[str]) -> str:
    return phase.replace("*", match[1]).strip() if match.re.groups else phase


def _no_match_error(module: nn.Module, modules: Mapping[str, nn.Module], phase: str, pattern: str) -> UserError:
    return UserError(
        f"Phase {phase!r}: {type(module).__name__} has no submodule or method {pattern!r}."
        f"{hint(pattern, filter(None, modules))} At its top: {', '.join(name for name, _ in module.named_children())}."
    )


@contextmanager
def record_phases(phase_calls: list[PhaseCall], timeline: Timeline) -> Iterator[None]:
    """Record these calls and this thread's marks inside; afterwards the modules are as before."""
    with ExitStack() as stack:
        for phase_call in phase_calls:
            (_hook_module if phase_call.method is None else _wrap_method)(stack, phase_call, timeline)
        stack.enter_context(listen_to_marks(timeline.phase))
        yield


def _hook_module(stack: ExitStack, phase_call: PhaseCall, timeline: Timeline) -> None:
    module, next_name = phase_call.module, _phase_names(phase_call.phase)
    # The first and the last of its hooks, so that the others' time counts; the last runs even if the call fails.
    before = module.register_forward_pre_hook(lambda *_: timeline.enter(next_name()), prepend=True)
    after = module.register_forward_hook(lambda *_: timeline.leave(), always_call=True)
    stack.callback(before.remove)
    stack.callback(after.remove)


def _wrap_method(stack: ExitStack, phase_call: PhaseCall, timeline: Timeline) -> None:
    """Put an attribute of the module in front of its class's method."""
    assert phase_call.method is not None
    attributes, method = vars(phase_call.module), phase_call.method
    original: Any = getattr(phase_call.module, method)
    next_name = _phase_names(phase_call.phase)

    @wraps(original)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        with timeline.phase(next_name()):
            return original(*args, **kwargs)

    if method in attributes:
        stack.callback(attributes.__setitem__, method, attributes[method])
    else:
        stack.callback(attributes.pop, method)
    attributes[method] = recorded


def _phase_names(phase: str) -> Callable[[], str]:
    """A function that gives the phase's name at the next call: "#" counts from 0."""
    numbers = count()
    return lambda: phase.replace("#", str(next(numbers)))
