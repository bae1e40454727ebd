"""What a codec declares before anything heavy is imported: frozen data, no torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Literal

from lic_bench.errors import UserError
from lic_bench.phase_marks import OTHER, TOTAL

Argument = Literal["state", "quality", "pretrained"]
Metric = Literal["mse", "ms-ssim"]
Coder = Literal["native", "compressai"]
VARIANT_MARK = "@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """Padding of height and width to multiples of `multiple` pixels, as the codec's authors evaluate it.

    place: "centre" splits the padding evenly between opposite sides, "corner" puts it at the right and the bottom.
    fill: with zeros, or with the pixels of the nearest edge.
    """

    multiple: int
    place: Literal["centre", "corner"] = "centre"
    fill: Literal["zeros", "edge"] = "zeros"

    @property
    def text(self) -> str:
        """What a reader is told of it: "to multiples of 64, corner"."""
        return f"to multiples of {self.multiple}, {self.place}" + (", edges repeated" if self.fill == "edge" else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A released weights file.

    file: its name, without folders. Raises UserError for a name with folders.
    lmbda: the trade-off it was trained with, as its authors write it.
    sha256: None if the authors publish none; then the first file that is used is trusted.
    url: of the file, of the Google Drive folder that holds it under this name, or of a page for people.
    third_party: a link to the file from somebody else than its authors, for where `url` does not lead to it. A file
        from there is kept only if the codec's network takes it.
    """

    file: str
    lmbda: float | None = None
    sha256: str | None = None
    url: str | None = None
    third_party: str | None = None

    def __post_init__(self) -> None:
        if not self.file or self.file in (".", "..") or set(self.file) & set("/\\"):
            raise UserError(f"Checkpoint file {self.file!r}: allowed is the name of a file, without folders.")


def variant_order(codec: str) -> list[str]:
    """Sorts names of codecs by letter, a variant directly after its base."""
    return codec.split(VARIANT_MARK)


def drive_link(file_id: str) -> str:
    """The link to a single file of Google Drive."""
    return f"https://drive.google.com/file/d/{file_id}/view"


def drive_checkpoints(name: str, weights: Iterable[tuple[float, str]]) -> dict[int, Checkpoint]:
    """Qualities from 1 on -> the files of these lambdas and Google Drive ids, named after the codec by us."""
    return {
        quality: Checkpoint(file=f"{name}-{lmbda}.pth.tar", lmbda=lmbda, url=drive_link(file_id))
        for quality, (lmbda, file_id) in enumerate(weights, start=1)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """The bitstreams of a codec that only decodes, a file for each picture and quality.

    files: quality -> the file's name, in which "{picture}" stands for that of the picture without its ending.
    lmbdas: quality -> the trade-off that it was encoded with, as its authors write it.
    dataset: the data set of whose pictures there are released ones. url: of the folder that holds these.
    sha256: "package:file", a list of their hashes as sha256sum writes it.
    """

    files: Mapping[int, str]
    lmbdas: Mapping[int, float]
    dataset: str
    url: str
    sha256: str

    def file(self, quality: int, picture: str) -> str:
        """The name of the file that holds a picture, "kodim01.png", at a quality."""
        return self.files[quality].format(picture=PurePath(picture).with_suffix(""))


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecSpec:
    """A codec: its name, where its code is, and which qualities it has.

    name: what the command line and records call it. label: what tables and figures call it.
    kind: "learned" codecs are torch modules with CompressAI's calling convention; `load` names a function
        `build(state: Mapping[str, Tensor] | None) -> nn.Module` (None: fresh weights). "classical" codecs have no
        weights; `load` names a function `load(quality: int, **settings) -> lic_bench.codec.Codec`. A "decode-only" one
        decodes bitstreams that others made; `load` names `load(quality: int) -> lic_bench.codec.DecodeOnlyCodec`.
    load: "package.module:function", imported only when the codec is used.
    arguments: what `load` of a learned codec takes, by keyword; see codecs.factory_targets.spec_of_target.
    own_weights: whether `load` of a learned codec gives a trained network without a weights file.
    qualities: the default ladder, in order of rising rate.
    quick_qualities: the ladder of `--quick`.
    quality_range: the lowest and the highest quality allowed, both included; None: only `qualities`.
    quality_name: what the number is called where it is shown ("quality", "QP", "distance").
    padding: of learned codecs; the harness pads and crops.
    checkpoints: quality -> released weights.
    shipped: "package:folder" that holds weights which come with the codec, named as `lic-bench train` names them.
    devices: where it can run. deterministic: whether its bytes are the same on every machine; nothing reads it yet.
    entropy_coder: in words. coder: which rANS coder CompressAI's entropy models in a network code with; see
        codecs.entropy_models.
    kernels: "package.module:function" of a learned codec with several implementations of an operator that round
        differently: function(device: str) -> name of those in use. Encoder and decoder must use the same.
    requires: Python modules that may be missing. install: the command that brings them, or the programs.
    programs: "package.module:function" of a classical codec that calls another program, a
        codecs.program_codec.ProgramCodec: function(**settings) -> system.programs.InstalledCoder. Raises ProgramError.
    settings: keyword arguments of `load` and `programs`. options: those that `lic-bench run` has options for.
    mode: the default colour path of a codec that has several.
    version: of a codec whose name ends in its version. The same name with another version is then a codec as well,
        whose `settings` have that "version".
    ablations: ending -> label of codecs called NAME-ENDING, whose `settings` have that ending as "ablation": the same
        code with another network, without weights.
    coding_passes: whether the network is a codecs.hyperprior.HyperpriorCodec, which predicts y pass by pass.
    variants: of codecs.variants.VARIANTS, those that this codec is another one of: "lalic@bf16" of "lalic". Set there.
    optimised_for: what the weights of a learned codec were trained to keep low; by default "mse". Tables of PSNR leave
        out codecs trained for "ms-ssim". None for classical codecs. Raises UserError for a classical one that has it.
    published: slug under results/published whose curves are this codec's own; None: none.
    streams: of a decode-only codec, its bitstreams. Raises UserError where one has none, and where another has some.
    fills: which rows and columns of the LALIC paper's tables a run of this codec can fill, in words.
    small: "package.module:function" that gives a learned codec's network with few channels and fresh weights, for
        tests and quick checks.
    phases: what a learned codec's time is divided into: name of a phase -> names of submodules in the network, or of
        methods ("context.groups.0", "tca.TCA.step"). Inside each other, the inner one counts.
        "*" is any part of a module's name, and in the phase what that part was: {"context *": ("context.groups.*",)}
        makes a phase of every group. "#" in the phase is the number of the call. A leading "**." is any place in the
        network. Phases on the host, ENTROPY_CODER and COPIES of lic_bench.phase_marks, are not declared. Empty:
        CompressAI's names. Raises UserError for what cannot be a phase.
    """

    name: str
    label: str
    kind: Literal["learned", "classical", "decode-only"]
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
    shipped: str | None = None
    devices: tuple[str, ...] = ("cpu", "cuda")
    deterministic: bool = True
    entropy_coder: str | None = None
    coder: Coder = "native"
    kernels: str | None = None
    requires: tuple[str, ...] = ()
    install: str = ""
    programs: str | None = None
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    options: tuple[str, ...] = ()
    mode: str | None = None
    version: str = ""
    ablations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    coding_passes: bool = False
    variants: tuple[str, ...] = ()
    optimised_for: Metric | None = None
    published: str | None = None
    streams: Streams | None = None
    fills: str = ""
    small: str | None = None
    phases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    notes: str = ""

    def __post_init__(self) -> None:
        if VARIANT_MARK in self.name and not self.variants:
            raise UserError(f"Codec {self.name!r}: {VARIANT_MARK} stands before variants; choose a name without it.")
        if self.kind == "learned":
            object.__setattr__(self, "optimised_for", self.optimised_for or "mse")
        elif self.phases or self.optimised_for:
            stray = "phases" if self.phases else "optimised_for"
            raise UserError(f"Codec {self.name!r}: {stray} is of learned codecs, which are networks; leave it out.")
        if (self.kind == "decode-only") != (self.streams is not None):
            raise UserError(f"Codec {self.name!r}: streams are of decode-only codecs, each of which has some.")
        for phase, modules in self.phases.items():
            self._check_phase(phase, modules)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with mappings as dicts, since a MappingProxyType cannot be pickled."""
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        plain: dict[str, Any] = {name: dict(v) if isinstance(v, Mapping) else v for name, v in values}
        return partial(CodecSpec, **plain), ()

    @property
    def base(self) -> str:
        """The name without variants, under which its weights are."""
        return self.name.partition(VARIANT_MARK)[0]

    def check_quality(self, quality: int) -> None:
        """Raise UserError if this codec has no such quality."""
        if not self.allows(quality):
            raise UserError(
                f"Codec {self.name!r} has no {self.quality_name} {quality}; allowed: {self.allowed_text()}."
            )

    def allows(self, quality: int) -> bool:
        """Whether this codec has this quality."""
        if self.quality_range is not None:
            return self.quality_range[0] <= quality <= self.quality_range[1]
        return quality in self.qualities

    def allowed_text(self) -> str:
        """The allowed qualities as text: "1..100" or "1, 3, 5"."""
        if self.quality_range is not None:
            return f"{self.quality_range[0]}..{self.quality_range[1]}"
        return ", ".join(str(q) for q in self.qualities)

    def _check_phase(self, phase: str, modules: tuple[str, ...]) -> None:
        where = f"Codec {self.name!r}, phase {phase!r}:"
        if not phase.strip() or "/" in phase or phase in (OTHER, TOTAL):
            raise UserError(f"{where} allowed is a name without a slash, other than {OTHER!r} and {TOTAL!r}.")
        if not isinstance(modules, tuple) or not modules or not all(isinstance(m, str) and m for m in modules):
            raise UserError(f"{where} {modules!r} is no tuple of submodules' names; write ('g_a',).")
        stars = {m.removeprefix("**.").count("*") for m in modules}
        if max(stars) > 1 or ("*" in phase and stars != {1}):
            raise UserError(
                f"{where} {', '.join(modules)}: each has one '*' where the phase has one, else at most one."
            )
