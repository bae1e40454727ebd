"""What a codec says about itself before anything heavy is imported: frozen data, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

from lic_bench.errors import UserError
from lic_bench.phase_marks import OTHER, TOTAL

Argument = Literal["state", "quality", "pretrained"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """Zero padding to a multiple of `multiple` pixels, as the codec's authors evaluate it.

    place: "centre" splits the padding evenly between the sides, "corner" puts it at the right and the bottom.
    """

    multiple: int
    place: Literal["centre", "corner"] = "centre"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One released weights file. sha256 is None where the authors publish none: then the first use is trusted.

    file: its name, without folders. Raises UserError for another.
    """

    file: str
    lmbda: float | None = None
    sha256: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        if not self.file or self.file in (".", "..") or set(self.file) & set("/\\"):
            raise UserError(f"Checkpoint file {self.file!r}: allowed is the name of a file, without folders.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecSpec:
    """One codec: its name, where its code is, what it may be asked.

    kind: "learned" codecs are torch modules with CompressAI's calling convention; `load` names a function
        `build(state: Mapping[str, Tensor] | None) -> nn.Module` (None: fresh weights). "classical" codecs have no
        weights; `load` names a function `load(quality: int, **settings) -> lic_bench.codec.Codec`.
    load: "package.module:function", imported only when the codec is used.
    arguments: those that `load` of a learned codec takes, by keyword; see codecs.factory_targets.spec_of_target.
    own_weights: `load` of a learned codec gives a trained network without a weights file.
    qualities: the default ladder, in order of rising rate.
    quick_qualities: the ladder of the `--quick` profile.
    quality_range: the lowest and highest quality allowed, both included; None: only `qualities`.
    quality_name: what the number is called where it is shown ("quality", "QP", "distance").
    padding: of learned codecs; the harness pads and crops.
    checkpoints: quality -> released weights.
    kernels: "package.module:function" of a learned codec with more than one implementation of an operator whose
        roundings differ: function(device: str) -> the name of those in use. Encoder and decoder must use the same.
    requires: Python modules that may be missing. install: the command that brings them, or the programs.
    programs: "package.module:function" of a classical codec whose coder is another program, a
        codecs.program_codec.ProgramCodec: function(**settings) -> system.programs.InstalledCoder. Raises ProgramError.
    settings: what `load` and `programs` get by keyword. options: those of `lic-bench run` that they take so.
    mode: the colour path of a codec that has several, unless another is asked for.
    version: of a codec whose name ends in it; the same name with another version is then a codec as well, whose
        `settings` have "version".
    published: slug under results/published whose curves are this codec's own; None: none.
    fills: which rows and columns of the LALIC paper's tables a run of this codec can fill, in words.
    small: "package.module:function" that gives a learned codec's network with few channels and fresh weights, for
        tests and quick checks.
    phases: what a learned codec's time is divided into: name -> submodules by their names in the network, or methods,
        "context.groups.0" or "tca.TCA.step". "*" in them is any part of a name, and "*" in the phase what that was:
        {"context *": ("context.groups.*",)} makes a phase of every group; "#" in the phase is the number of the call;
        a leading "**." any place in the network. Of what is inside each other the inner one counts. Phases on the host
        are ENTROPY_CODER and COPIES of lic_bench.phase_marks, which need no declaration. Empty: CompressAI's names.
        Raises UserError for what cannot be a phase.
    """

    name: str
    label: str
    kind: Literal["learned", "classical"]
    load: str
    qualities: tuple[int, ...]
    arguments: tuple[Argument, ...] = ("state",)
    own_weights: bool = False
    quick_qualities: tuple[int, ...] = ()
    quality_range: tuple[int, int] | None = None
    quality_name: str = "quality"
    aliases: tuple[str, ...] = ()
    paper: str = ""
    source: str = ""
    licence: str = ""
    padding: Padding | None = None
    checkpoints: Mapping[int, Checkpoint] = field(default_factory=lambda: MappingProxyType({}))
    devices: tuple[str, ...] = ("cpu", "cuda")
    deterministic: bool = True
    entropy_coder: str | None = None
    kernels: str | None = None
    requires: tuple[str, ...] = ()
    install: str = ""
    programs: str | None = None
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    options: tuple[str, ...] = ()
    mode: str | None = None
    version: str = ""
    published: str | None = None
    fills: str = ""
    small: str | None = None
    phases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    notes: str = ""

    def __post_init__(self) -> None:
        if self.phases and self.kind != "learned":
            raise UserError(
                f"Codec {self.name!r}: phases are of learned codecs, which have submodules; leave them out."
            )
        for phase, modules in self.phases.items():
            self._check_phase(phase, modules)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: views of mappings cannot travel, so they go as what they show."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return _made, ({k: dict(v) if isinstance(v, Mapping) else v for k, v in values.items()},)

    def check_quality(self, quality: int) -> None:
        """Raise UserError if this quality may not be asked of this codec."""
        if not self.allows(quality):
            raise UserError(
                f"Codec {self.name!r} has no {self.quality_name} {quality}; allowed: {self.allowed_text()}."
            )

    def allows(self, quality: int) -> bool:
        """Whether `quality` may be asked of this codec."""
        if self.quality_range is not None:
            return self.quality_range[0] <= quality <= self.quality_range[1]
        return quality in self.qualities

    def allowed_text(self) -> str:
        """The allowed qualities in words, for error messages."""
        if self.quality_range is not None:
            return f"{self.quality_range[0]}..{self.quality_range[1]}"
        return ", ".join(str(q) for q in self.qualities)

    def _check_phase(self, phase: str, modules: tuple[str, ...]) -> None:
        said = f"Codec {self.name!r}, phase {phase!r}:"
        if not phase.strip() or "/" in phase or phase in (OTHER, TOTAL):
            raise UserError(f"{said} allowed is a name without a slash, other than {OTHER!r} and {TOTAL!r}.")
        if not isinstance(modules, tuple) or not modules or not all(isinstance(m, str) and m for m in modules):
            raise UserError(f"{said} {modules!r} is no tuple of submodules' names; write ('g_a',).")
        stars = {m.removeprefix("**.").count("*") for m in modules}
        if max(stars) > 1 or ("*" in phase and stars != {1}):
            raise UserError(f"{said} {', '.join(modules)}: each has one '*' where the phase has one, else at most one.")


def _made(values: Mapping[str, Any]) -> CodecSpec:
    return CodecSpec(**values)
