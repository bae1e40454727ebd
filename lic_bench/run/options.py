"""The options of `lic-bench run` and `scale`: that each is in its range, and what their texts choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from lic_bench.codecs.registry import resolve_codec
from lic_bench.codecs.variants import THEIR_CODER, with_variants
from lic_bench.errors import UserError, unknown
from lic_bench.spec import CodecSpec
from lic_bench.store.records import FIELDS_OF_PART, OTHER_ROWS
from lic_bench.store.run_folder import ALLOWED
from lic_bench.store.saved_files import SAVED
from lic_bench.system.option_lists import split_list

PARTS = (*(part for part in FIELDS_OF_PART if part not in SAVED), *OTHER_ROWS)
NOT_IN_ALL = ("throughput", "perceptual")  # one takes as long as all else together, the other needs saved pictures
BATCHES = "1,4,16"
WEIGHTS = ("auto", "random", "require")
CODERS = ("native", "compressai", "both")
QUICK_LIMIT = 2
QUICK_CROP = 256
QUICK_REPEATS = 2
MANY = 1000
LONGEST_TIMEOUT_S = 4e5  # over 4 days; what the system can wait is counted in 31 bits of milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `lic-bench run` as they were given; None where the default depends on others."""

    codecs: str
    out: Path
    datasets: str = ""
    data_root: Path | None = None
    checkpoints: Path | None = None
    checkpoint: Sequence[str] = ()
    streams: Sequence[str] = ()
    weights: str | None = None
    coder: str = "native"
    qualities: Sequence[str] = ()
    match: str | None = None
    limit: int | None = None
    crop: int | None = None
    convert: bool = False
    measure: str = "all"
    batch: str | None = None
    save: str | None = None
    metrics: str | None = None
    metric_weights: Sequence[str] = ()
    device: str = "auto"
    repeats: int | None = None
    budget: float | None = None
    starts: int | None = None
    threads: int | None = None
    vtm_root: Path | None = None
    vtm_colour: str | None = None
    jobs: int | None = None
    cluster: str | None = None
    isolate: bool | None = None
    timeout: float | None = None
    quick: bool = False
    fresh: bool = False
    retry_failed: bool = False
    allow: Sequence[str] = ()


def check_ranges(options: Options) -> None:
    """Raise UserError for a number that is too small or too large, and for an unknown name in --allow or --weights."""
    for name in ("limit", "crop", "repeats", "starts", "threads", "jobs"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UserError(f"--{name} {value}: at least 1.")
    for name in ("timeout", "budget"):
        value = getattr(options, name)
        if value is not None and not 0 < value < inf:
            raise UserError(f"--{name} {value:g}: a number of seconds above 0.")
    if options.timeout is not None and options.timeout > LONGEST_TIMEOUT_S:
        raise UserError(f"--timeout {options.timeout:g}: at most {LONGEST_TIMEOUT_S:g} seconds.")
    if options.coder not in CODERS:
        raise unknown("--coder", options.coder, CODERS)
    if options.weights not in (None, *WEIGHTS):
        raise unknown("--weights", options.weights, WEIGHTS)
    for name in options.allow:
        if name not in ALLOWED:
            raise unknown("--allow", name, ALLOWED)


def with_options(specs: Sequence[CodecSpec], given: Mapping[str, Any]) -> list[CodecSpec]:
    """The codecs with those of the options that they take. An option that none takes is an error; None: not given."""
    values = {name: value for name, value in given.items() if value is not None}
    for name, value in values.items():
        if not any(name in spec.options for spec in specs):
            raise UserError(
                f"--{name.replace('_', '-')} {value}: no codec of --codecs {','.join(s.name for s in specs)} takes it; "
                "leave it out."
            )
    taken = [{name: value for name, value in values.items() if name in spec.options} for spec in specs]
    return [replace(spec, settings={**spec.settings, **more}) for spec, more in zip(specs, taken, strict=True)]


def with_coder(specs: Sequence[CodecSpec], coder: str) -> list[CodecSpec]:
    """The codecs, and for --coder both, or compressai in their place, the learned ones with CompressAI's coder."""
    if coder == "native":
        return list(specs)
    chosen = []
    for spec in specs:
        able = spec.kind == "learned" and THEIR_CODER not in spec.variants
        theirs = with_variants(resolve_codec(spec.base), (*spec.variants, THEIR_CODER)) if able else spec
        chosen += [spec, theirs] if coder == "both" else [theirs]
    return list({spec.name: spec for spec in chosen}.values())


def choose_parts(text: str) -> tuple[str, ...]:
    """The parts of --measure, in their own order."""
    asked = split_list(text, "--measure")
    for part in asked:
        if part not in (*PARTS, "all"):
            raise unknown("part of --measure", part, [*PARTS, "all"])
    if "phases" in asked and not {"latency", "all"} & set(asked):
        raise UserError(f"--measure {text}: phases are parts of the latency; write latency,phases.")
    return tuple(part for part in PARTS if part in asked or ("all" in asked and part not in NOT_IN_ALL))


def choose_saved(text: str | None) -> tuple[str, ...]:
    """What --save names, in its own order."""
    asked = split_list(text, "--save") if text is not None else []
    for kind in asked:
        if kind not in SAVED:
            raise unknown("--save", kind, SAVED)
    return tuple(kind for kind in SAVED if kind in asked)


def parse_batches(text: str | None, parts: Sequence[str]) -> tuple[int, ...]:
    """The batches of --batch, ascending, without repeats; () where no throughput is taken."""
    if "throughput" not in parts:
        if text is not None:
            raise UserError(f"--batch {text}: batches are of the throughput; add it: --measure throughput.")
        return ()
    batches = set()
    for part in split_list(BATCHES if text is None else text, "--batch"):
        try:
            batch = int(part)
        except ValueError:
            raise UserError(f"--batch {text}: {part!r} is no number; write {BATCHES}.") from None
        if not 1 <= batch <= MANY:
            raise UserError(f"--batch {text}: {batch} images in a call; allowed is 1 to {MANY}.")
        batches.add(batch)
    return tuple(sorted(batches))


def parse_qualities(options: Sequence[str], specs: Sequence[CodecSpec]) -> dict[str, tuple[int, ...]]:
    """codec -> qualities asked for: "1,3" means every codec not named, "jpeg=30,50" that codec; a..b is a range.

    A codec's variants have its qualities where they are not named themselves. Options of one kind add up.
    """
    common: dict[str, tuple[int, ...]] = {}
    of_base: dict[str, tuple[int, ...]] = {}
    named: dict[str, tuple[int, ...]] = {}
    for option in options:
        name, equals, numbers = option.rpartition("=")
        wanted = resolve_codec(name).name if equals else ""
        chosen = [spec for spec in specs if wanted in ("", spec.name, spec.base)]
        if not chosen:
            raise UserError(f"--qualities {option}: {name!r} is not among --codecs {','.join(s.name for s in specs)}.")
        for spec in chosen:
            of_kind = named if wanted == spec.name else of_base if wanted else common
            of_kind[spec.name] = tuple(dict.fromkeys((*of_kind.get(spec.name, ()), *_numbers(numbers, option))))
    asked = common | of_base | named
    for spec in specs:
        for quality in asked.get(spec.name, ()):
            try:
                spec.check_quality(quality)
            except UserError as error:
                raise UserError(f"--qualities {quality}: {error}") from None
    return asked


def ladder(
    spec: CodecSpec, asked: tuple[int, ...] | None, there: Mapping[int, Path], *, quick: bool
) -> tuple[int, ...]:
    """The qualities to run: those asked for; else those with weights; else, with random weights, a single one.

    Random weights code alike at every quality, so one is enough for latency and complexity.
    """
    if asked is not None:
        return asked
    default = spec.quick_qualities or spec.qualities[:2] if quick else spec.qualities
    if spec.kind != "learned" or spec.own_weights:
        return default
    usable = tuple(q for q in default if q in there) or tuple(there)[: 2 if quick else None]
    return usable or (default[len(default) // 2],)


def _numbers(text: str, option: str) -> tuple[int, ...]:
    qualities: list[int] = []
    for part in split_list(text, "--qualities"):
        first, dots, last = part.partition("..")
        try:
            numbers = range(int(first), int(last) + 1) if dots else [int(first)]
        except ValueError:
            raise UserError(
                f"--qualities {option}: {part!r} is no number; write 1,3,5 or 1..6 or jpeg=30,50."
            ) from None
        if len(numbers) > MANY:
            raise UserError(f"--qualities {option}: {part!r} is more than {MANY} qualities; write a shorter range.")
        qualities += numbers
    if not qualities:
        raise UserError(f"--qualities {option}: the range is empty; write the lower number first.")
    return tuple(dict.fromkeys(qualities))
