"""Where the time of one call goes: seconds by phase, by what a codec's SPEC declares of its submodules.

Hooks are there during the call only. A network's phases are timed on its device, the entropy coder's and the copies' on
the host, see lic_bench.measurement.phase_timeline; nothing waits that would not wait anyway.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from typing import Any

import torch
from torch import nn

from lic_bench.errors import UserError
from lic_bench.measurement.phase_timeline import Timeline
from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL, listen_to_marks

PhasePatterns = Mapping[str, tuple[str, ...]]

# CompressAI's names, for codecs whose SPEC declares nothing: anywhere in the tree, as far as they are there.
COMPRESSAI_PHASES: PhasePatterns = {
    **{name: (f"**.{name}",) for name in ("g_a", "h_a", "g_s")},
    "h_s": ("**.h_s", "**.h_mean_s", "**.h_scale_s"),
    "context *": (
        *("**.channel_context.y*", "**.latent_codec.y*.compress", "**.latent_codec.y*.decompress"),
        *("**.cc_mean_transforms.*", "**.cc_scale_transforms.*", "**.lrp_transforms.*"),
    ),
    "context": ("**.context_prediction", "**.entropy_parameters"),
}
# Of every codec: methods of CompressAI's entropy models, which no hook sees.
ENTROPY_MODELS: PhasePatterns = {
    ENTROPY_CODER: tuple(
        f"**.{model}.{method}"
        for model in ("entropy_bottleneck", "gaussian_conditional")
        for method in ("compress", "decompress", "build_indexes")
    )
}


@dataclass(frozen=True, slots=True)
class PhaseCall:
    """What is listened to. method: None for the module's own call. phase: its "#" stands for the number of the call."""

    module: nn.Module
    method: str | None
    phase: str


def measure_phases(
    call: Callable[[], object], module: nn.Module, declared: PhasePatterns, device: torch.device
) -> dict[str, float]:
    """Seconds by phase of one call of `call()`, which uses `module` on `device`.

    declared: CodecSpec.phases; USUAL where it is empty. Keys: the phases that were entered, always "entropy coder",
    "copies" and "other", which together make "total". Raises UserError where the module lacks what is declared.
    """
    targets = find_phase_calls(module, declared)
    line = Timeline(device)
    with record_phases(targets, line), line:
        call()
    found = dict.fromkeys((ENTROPY_CODER, COPIES, OTHER), 0.0) | line.seconds()
    return found | {TOTAL: sum(found.values())}


def find_phase_calls(module: nn.Module, declared: PhasePatterns) -> list[PhaseCall]:
    """The submodules and methods that `declared` names; what two phases name belongs to the first.

    Raises UserError for a name that fits nothing.
    """
    named = dict(module.named_modules(remove_duplicate=False))
    found: dict[tuple[int, str | None], PhaseCall] = {}
    for phases, must in ((declared or COMPRESSAI_PHASES, bool(declared)), (ENTROPY_MODELS, False)):
        for phase, patterns in phases.items():
            for pattern in patterns:
                fitting = list(_fitting(named, pattern, phase))
                if must and not fitting:
                    raise _nothing_fits(module, named, phase, pattern)
                for target in fitting:
                    found.setdefault((id(target.module), target.method), target)
    return list(found.values())


def _fitting(named: Mapping[str, nn.Module], pattern: str, phase: str) -> Iterator[PhaseCall]:
    """The submodules that the pattern names, or where there are none, the methods."""
    modules = [(module, hit) for name, module in named.items() if (hit := _regex(pattern).fullmatch(name))]
    if modules:
        yield from (PhaseCall(module, None, _filled(phase, hit)) for module, hit in modules)
        return
    owner, _, method = pattern.rpartition(".")
    for name, module in named.items():
        hit = _regex(owner).fullmatch(name)
        if hit and callable(getattr(type(module), method, None)):
            yield PhaseCall(module, method, _filled(phase, hit))


def _regex(pattern: str) -> re.Pattern[str]:
    """ "*" is any part of one name in the path and kept; "**." any number of names, or none."""
    steps = {"**.": r"(?:.+\.)?", "*": r"([^.]*)"}
    return re.compile("".join(steps.get(part) or re.escape(part) for part in re.split(r"(\*\*\.|\*)", pattern)))


def _filled(phase: str, hit: re.Match[str]) -> str:
    return phase.replace("*", hit[1]).strip() if hit.re.groups else phase


def _nothing_fits(module: nn.Module, named: Mapping[str, nn.Module], phase: str, pattern: str) -> UserError:
    near = get_close_matches(pattern, [name for name in named if name], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UserError(
        f"Phase {phase!r}: {type(module).__name__} has no submodule or method {pattern!r}.{hint} "
        f"At its top: {', '.join(name for name, _ in module.named_children())}."
    )


@contextmanager
def record_phases(targets: list[PhaseCall], line: Timeline) -> Iterator[None]:
    """Inside, calls of the targets and marks of this thread are noted; afterwards the modules are as before."""
    with ExitStack() as stack:
        for target in targets:
            (_hook if target.method is None else _wrap)(stack, target, line)
        stack.enter_context(listen_to_marks(_noted_by(line)))
        yield


def _hook(stack: ExitStack, target: PhaseCall, line: Timeline) -> None:
    """Listen to the calls of a module."""
    name = _numbered(target.phase)

    def before(*_: object) -> None:
        line.enter(name())

    def after(*_: object) -> None:
        line.leave()

    # First and last of its hooks, so that others' are inside; `after` comes even if the call fails.
    handles = (
        target.module.register_forward_pre_hook(before, prepend=True),
        target.module.register_forward_hook(after, always_call=True),
    )
    for handle in handles:
        stack.callback(handle.remove)


def _wrap(stack: ExitStack, target: PhaseCall, line: Timeline) -> None:
    """Listen to the calls of a method: for the while, the module has one of its own in its place."""
    assert target.method is not None
    attributes, method = vars(target.module), target.method
    inner: Any = getattr(target.module, method)
    name, noted = _numbered(target.phase), _noted_by(line)

    @wraps(inner)
    def listened(*args: Any, **kwargs: Any) -> Any:
        with noted(name()):
            return inner(*args, **kwargs)

    if method in attributes:
        stack.callback(attributes.__setitem__, method, attributes[method])
    else:
        stack.callback(attributes.pop, method)
    attributes[method] = listened


def _noted_by(line: Timeline) -> Callable[[str], AbstractContextManager[None]]:
    @contextmanager
    def noted(name: str) -> Iterator[None]:
        line.enter(name)
        try:
            yield
        finally:
            line.leave()

    return noted


def _numbered(phase: str) -> Callable[[], str]:
    """The name of each call's phase in turn: "#" counts from 0."""
    calls: Counter[str] = Counter()

    def name() -> str:
        calls[phase] += 1
        return phase.replace("#", str(calls[phase] - 1))

    return name if "#" in phase else lambda: phase
