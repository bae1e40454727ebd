"""From the options to a checked session: names, data, weights and settings, before anything is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch

from lic_bench.codecs.bitstream_cache import BitstreamCache, cache_folder
from lic_bench.codecs.entropy_models import missing_coder
from lic_bench.codecs.loading import weights_of
from lic_bench.codecs.padding import padded_size
from lic_bench.codecs.registry import check_installed, choose_codecs, find_programs
from lic_bench.codecs.variants import check_gpu
from lic_bench.defaults import REPEATS
from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset, find_dataset
from lic_bench.machine.device import choose_device
from lic_bench.machine.environment_record import apply_protocol_settings
from lic_bench.machine.gpu import describe_gpu
from lic_bench.run.distinct_qualities import drop_repeated_networks
from lic_bench.run.jobs import Job, plan
from lic_bench.run.matched_sizes import check_match, searching, targets_of
from lic_bench.run.metric_choice import ChosenMetrics, choose_metrics, what_is_kept
from lic_bench.run.options import (
    QUICK_CROP,
    QUICK_LIMIT,
    QUICK_REPEATS,
    Options,
    check_ranges,
    choose_parts,
    ladder,
    parse_batches,
    parse_qualities,
    with_coder,
    with_options,
)
from lic_bench.run.streams_choice import Files as Streams
from lic_bench.run.streams_choice import find_streams
from lic_bench.run.weights_choice import (
    Files,
    Qualities,
    check_weights,
    find_weights,
    parse_checkpoints,
    with_named_qualities,
)
from lic_bench.spec import CodecSpec
from lic_bench.store.records import AFTERWARDS, COSTS, FIELDS_OF_PART
from lic_bench.store.run_json import COMPLEXITY_SIZE, RunConfig
from lic_bench.system.option_lists import split_list
from lic_bench.system.programs import InstalledCoder

R = TypeVar("R")


@dataclass(slots=True)
class Session:
    """A checked run, ready to go.

    streams: decode-only codec -> its bitstreams. counted: codec -> the sizes (height, width) at which its operations
    are counted.
    one_by_one: one codec after the other is in memory, and none is asked for more once it ran out of it.
    """

    config: RunConfig
    specs: list[CodecSpec]
    datasets: list[Dataset]
    files: Mapping[str, Mapping[int, Path]]
    device: torch.device
    programs: Mapping[str, InstalledCoder]
    streams: Mapping[str, Streams] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    counted: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    one_by_one: bool = False
    metrics: ChosenMetrics = field(default_factory=ChosenMetrics)

    def parts_of_records(self) -> frozenset[str]:
        """What fills Records of the run as images are coded."""
        return frozenset(FIELDS_OF_PART) - AFTERWARDS & {*self.config.measure, *self.config.save}

    def jobs(self) -> list[Job]:
        """Every job of the run, in order; none where its measurements fill no Record."""
        if not self.parts_of_records():
            return []
        return list(plan(self.specs, self.config.qualities, self.datasets))


def prepare_session(
    options: Options,
    datasets: Sequence[Dataset] = (),
    *,
    one_quality: bool = False,
    missing: list[str] | None = None,
    device: torch.device | None = None,
) -> Session:
    """Resolve names, data, weights and settings; nothing is written, but the bitstream cache made ready if needed.

    datasets: in place of those that the options name. one_quality: of each codec the middle of its ladder.
    missing: gets what is not there, packages, programs and data sets, which is else an error.
    device: of the machines that will measure, where these are others. Raises UserError for bad input.
    """
    here, device = _devices(options, device)
    specs, named = _specs(options, device)
    attempt = partial(_attempt, missing)
    programs = _programs(specs, attempt)
    parts = _parts(options)
    metrics = attempt(choose_metrics, options, parts) or ChosenMetrics()
    asked = parse_qualities(options.qualities, specs)
    datasets = _with_own_names(list(datasets) or _datasets(options, attempt))
    there = find_weights(specs, asked, options.weights, options.checkpoints, named)
    ladders = _ladders(options, specs, asked, there, one_quality=one_quality)
    files = {s.name: {q: there[s.name][q] for q in ladders[s.name] if q in there.get(s.name, {})} for s in specs}
    streams = attempt(find_streams, specs, ladders, datasets, options) or {}
    notes = [*check_weights(specs, asked, files), *(warning for d in datasets for warning in d.warnings)]
    weights = _weights(specs, ladders, files)
    notes += drop_repeated_networks(specs, ladders, weights)
    check_match(targets_of(options.match), specs, ladders, weights)
    config = RunConfig(
        **_what(specs, datasets),
        qualities=ladders,
        weights=weights,
        measure=parts,
        device=str(device),
        threads=torch.get_num_threads(),
        modes={name: coder.mode for name, coder in programs.items() if coder.mode},
        **_asked_of_all(options, parts, metrics),
    )
    _check_processes(options, config, here)
    notes += [*_without_effect(options, config, specs, programs), *missing_coder(specs), *metrics.notes]
    _prepare_cache(programs, parts)
    counted = _counted(specs, config)
    return Session(config, specs, datasets, files, device, programs, streams, notes, counted, metrics=metrics)


def _devices(options: Options, there: torch.device | None) -> tuple[torch.device, torch.device]:
    """This machine's, set up, and that of those that measure."""
    check_ranges(options)
    here = choose_device("cpu" if there else options.device)
    apply_protocol_settings(here, options.threads)
    return here, there or here


def _what(specs: Sequence[CodecSpec], datasets: Sequence[Dataset]) -> dict[str, Any]:
    """The fields of RunConfig that name codecs and images."""
    names = {"codecs": tuple(s.name for s in specs), "datasets": tuple(d.name for d in datasets)}
    return {**names, "images": {d.name: len(d.usable) for d in datasets}}


def _prepare_cache(programs: Mapping[str, InstalledCoder], parts: Sequence[str]) -> None:
    if programs and not COSTS & set(parts) and set(parts) != {"complexity"}:
        BitstreamCache(cache_folder()).prepare()


def _specs(options: Options, device: torch.device) -> tuple[list[CodecSpec], Files]:
    """The codecs with their options, and the weights files that --checkpoint names."""
    named = {"vtm_root": options.vtm_root, "vtm_colour": options.vtm_colour}
    specs = with_options(with_coder(choose_codecs(options.codecs), options.coder), named)
    for spec in specs:
        check_gpu(spec, device.type)
    files = parse_checkpoints(options.checkpoint, specs)
    return with_named_qualities(specs, files), files


def _attempt(missing: list[str] | None, call: Callable[..., R], *values: object, **named: object) -> R | None:
    """What `call` gives. A UserError is added to `missing`, if that is a list, and None is given."""
    try:
        return call(*values, **named)
    except UserError as error:
        if missing is None:
            raise
        missing.append(str(error))
        return None


def _programs(specs: Sequence[CodecSpec], attempt: Callable[..., Any]) -> dict[str, InstalledCoder]:
    """codec -> the programs that it runs, of those that run some; every codec must be installed."""
    for spec in specs:
        attempt(check_installed, spec)
    return {spec.name: coder for spec in specs if (coder := attempt(find_programs, spec))}


def _ladders(
    options: Options, specs: Sequence[CodecSpec], asked: Qualities, there: Files, *, one_quality: bool
) -> dict[str, tuple[int, ...]]:
    """Of codecs that search their quality those asked for, or none."""
    ladders = {s.name: ladder(s, asked.get(s.name), there.get(s.name, {}), quick=options.quick) for s in specs}
    ladders = {name: (of_codec[len(of_codec) // 2],) if one_quality else of_codec for name, of_codec in ladders.items()}
    return ladders | {spec.name: asked.get(spec.name, ()) for spec in searching(specs, targets_of(options.match))}


def _counted(specs: Sequence[CodecSpec], config: RunConfig) -> dict[str, list[tuple[int, int]]]:
    if "complexity" not in config.measure:
        return {}
    decoded = {spec.name: [config.complexity_size] for spec in specs if spec.streams}
    networks = [spec for spec in specs if spec.kind == "learned"]
    return decoded | {spec.name: [padded_size(*config.complexity_size, spec.padding)] for spec in networks}


def _datasets(options: Options, attempt: Callable[..., Any]) -> list[Dataset]:
    names = split_list(options.datasets, "--datasets")
    used = _images_used(options)
    datasets = (attempt(find_dataset, name, options.data_root, **used, convert=options.convert) for name in names)
    return [dataset for dataset in datasets if dataset is not None]


def _images_used(options: Options) -> dict[str, int | None]:
    """How many images, and how large a part of each."""
    return {
        "limit": options.limit or (QUICK_LIMIT if options.quick else None),
        "crop": options.crop or (QUICK_CROP if options.quick else None),
    }


def _weights(
    specs: Sequence[CodecSpec], ladders: Mapping[str, Sequence[int]], files: Mapping[str, Mapping[int, Path]]
) -> dict[str, dict[str, str]]:
    learned = [spec for spec in specs if spec.kind == "learned"]
    return {s.name: {str(q): weights_of(s, q, files[s.name].get(q)) for q in ladders[s.name]} for s in learned}


def _asked_of_all(options: Options, parts: Sequence[str], metrics: ChosenMetrics) -> dict[str, Any]:
    """The fields of RunConfig that hang on the options alone."""
    quick = options.quick
    return {
        **_images_used(options),
        "repeats": options.repeats or (QUICK_REPEATS if quick else REPEATS),
        "match": tuple(map(str, targets_of(options.match))),
        "batch": parse_batches(options.batch, parts),
        "save": what_is_kept(options.save, parts),
        "metrics": tuple(metrics.by),
        "metric_weights": metrics.hashes,
        "budget": options.budget,
        "starts": options.starts,
        "convert": options.convert or None,
        "isolate": bool(COSTS & set(parts)) if options.isolate is None else options.isolate,
        "quick": quick,
        "complexity_size": (QUICK_CROP, QUICK_CROP) if quick else COMPLEXITY_SIZE,
    }


def _parts(options: Options) -> tuple[str, ...]:
    """What is measured. Raises UserError where several would be at a time."""
    parts = choose_parts(options.measure)
    if (options.jobs or 1) > 1 and COSTS & set(parts):
        raise UserError(
            f"--jobs {options.jobs}: times and memory are taken one at a time; add --measure quality, and a run of its "
            "own with --measure latency,memory."
        )
    return parts


def _with_own_names(datasets: list[Dataset]) -> list[Dataset]:
    """The data sets. Raises UserError where two have one name."""
    names = [dataset.name for dataset in datasets]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"--datasets: two data sets are called {twice[0]!r}; rename one of the folders.")
    return datasets


def _check_processes(options: Options, config: RunConfig, device: torch.device) -> None:
    """That codecs have processes where they are needed, and that a GPU lets several use it."""
    if options.starts and not config.isolate:
        raise UserError(
            f"--starts {options.starts}: codecs have no processes that could be started again; add --isolate."
        )
    if config.isolate and (describe_gpu(device) or {}).get("exclusive"):
        raise UserError(
            f"--device {device}: this GPU lets one process at a time use it (compute mode EXCLUSIVE_PROCESS); add "
            "--no-isolate, or set the mode to DEFAULT."
        )


def _without_effect(
    options: Options, config: RunConfig, specs: Sequence[CodecSpec], programs: Mapping[str, InstalledCoder]
) -> list[str]:
    """A line for each option that changes nothing in this run."""
    notes = []
    if options.jobs and not programs and not config.metrics:
        notes += [f"--jobs {options.jobs} has no effect: none of these codecs encodes by another program"]
    if options.timeout and not config.isolate and any(spec.kind == "learned" for spec in specs):
        notes += ["--timeout has no effect on networks that work in this process: add --isolate"]
    return notes + _without_batches(config, specs)


def _without_batches(config: RunConfig, specs: Sequence[CodecSpec]) -> list[str]:
    """A line for the codecs that take one image after the other, where a throughput is asked for."""
    if not config.batch:
        return []
    classical = [spec for spec in specs if spec.kind == "classical"]
    decoding = ", ".join(spec.name for spec in specs if spec.streams)
    programs = ", ".join(spec.name for spec in classical if spec.programs)
    others = ", ".join(spec.name for spec in classical if not spec.programs)
    notes = [f"{others}: one image after the other, so its throughput is that of batch 1"] if others else []
    notes += [f"{decoding}: no throughput: it only decodes, see its latency"] if decoding else []
    return notes + ([f"{programs}: no throughput: another program for each image, see its latency"] if programs else [])
