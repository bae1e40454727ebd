"""One `lic-bench run` from its options to its outcome: everything is checked before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from lic_bench import config as cfg
from lic_bench.checkpoints import sha256_of
from lic_bench.config import RunConfig
from lic_bench.datasets import Dataset, find_dataset
from lic_bench.environment import describe, fingerprint, prepare
from lic_bench.errors import UserError
from lic_bench.measurement.stopwatch import Effort
from lic_bench.models import kernels_of, weights_of
from lic_bench.programs import Found
from lic_bench.registry import check_installed, programs_of
from lic_bench.runner import Job, Listener, Outcome, Runner, plan
from lic_bench.spec import CodecSpec
from lic_bench.store import Store, set_aside
from lic_bench.weights_choice import choose_weights

QUICK_WARM_UP_S = 1.0
QUICK_ENOUGH_S = 1.0
BUSY = 0.75  # load average per core from which times are in doubt

Files = Mapping[str, Mapping[int, Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `lic-bench run` as they were given; None where the default depends on others."""

    codecs: str
    datasets: str
    out: Path
    data_root: Path | None = None
    checkpoints: Path | None = None
    weights: str | None = None
    qualities: Sequence[str] = ()
    limit: int | None = None
    crop: int | None = None
    measure: str = "all"
    device: str = "auto"
    repeats: int | None = None
    threads: int | None = None
    vtm_root: Path | None = None
    vtm_colour: str | None = None
    jobs: int | None = None
    quick: bool = False
    fresh: bool = False
    retry_failed: bool = False


@dataclass(slots=True)
class Session:
    """A checked run, ready to go."""

    config: RunConfig
    specs: list[CodecSpec]
    datasets: list[Dataset]
    files: Files
    device: torch.device
    programs: Mapping[str, Found]
    notes: list[str] = field(default_factory=list)

    def jobs(self) -> list[Job]:
        """Every job of the run, in order."""
        return list(plan(self.specs, self.config.qualities, self.datasets))


def run(options: Options, listener: Listener) -> Outcome:
    """Check the options, open the store, measure what it lacks. Raises UserError for bad input."""
    session = prepare_session(options)
    environment = describe(session.device)
    if options.fresh:
        aside = set_aside(options.out)
        session.notes += [f"the run that was in {options.out} is now {aside}"] if aside else []
    store = Store(
        options.out,
        {
            "config": session.config.to_json(),
            "fingerprint": fingerprint(environment) | {"kernels": _kernels(session), "programs": _versions(session)},
            "environment": environment,
            "images": {f"{d.name}/{i.name}": i.sha256 for d in session.datasets for i in d.images},
            "warnings": [warning for d in session.datasets for warning in d.warnings],
        },
    )
    try:
        for text in [*session.notes, *_busy(environment, session.config)]:
            listener.note(text)
        return _work(session, store, listener, options, options.jobs or environment["cores_usable"])
    finally:
        store.close()


def _kernels(session: Session) -> dict[str, str]:
    """Codec -> the kernels it computes with, for those that have a choice."""
    return {spec.name: name for spec in session.specs if (name := kernels_of(spec, session.device))}


def _versions(session: Session) -> dict[str, list[str]]:
    """Codec -> the version of its coder and the hashes of its files, for those that are other programs."""
    return {name: [found.version, *map(sha256_of, found.files)] for name, found in session.programs.items()}


def prepare_session(options: Options) -> Session:
    """Resolve names, data, weights and settings; nothing is written."""
    for name in ("limit", "crop", "repeats", "threads", "jobs"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UserError(f"--{name} {value}: at least 1.")
    device = choose_device(options.device)
    prepare(device, options.threads)
    named = {"vtm_root": options.vtm_root, "vtm_colour": options.vtm_colour}
    specs = cfg.with_options(cfg.choose_codecs(options.codecs), named)
    for spec in specs:
        check_installed(spec)
    programs = {spec.name: found for spec in specs if (found := programs_of(spec))}
    parts = cfg.choose_parts(options.measure)
    if (options.jobs or 1) > 1 and "latency" in parts:
        raise UserError(
            f"--jobs {options.jobs}: times are taken one at a time; add --measure quality, and a run of its own with "
            "--measure latency."
        )
    asked = cfg.parse_qualities(options.qualities, specs)
    limit = options.limit or (cfg.QUICK_LIMIT if options.quick else None)
    crop = options.crop or (cfg.QUICK_CROP if options.quick else None)
    names = cfg.split_list(options.datasets, "--datasets")
    datasets = [find_dataset(name, options.data_root, limit=limit, crop=crop) for name in names]
    _check_names(datasets)
    files, notes = choose_weights(specs, asked, options.weights, options.checkpoints)
    ladders = {s.name: cfg.ladder(s, asked.get(s.name), files.get(s.name, {}), quick=options.quick) for s in specs}
    used = {s.name: {q: files[s.name][q] for q in ladders[s.name] if q in files.get(s.name, {})} for s in specs}
    config = RunConfig(
        codecs=tuple(s.name for s in specs),
        datasets=tuple(d.name for d in datasets),
        images={d.name: len(d.images) for d in datasets},
        qualities=ladders,
        weights={
            s.name: {str(q): weights_of(s, q, used[s.name].get(q)) for q in ladders[s.name]}
            for s in specs
            if s.kind == "learned"
        },
        measure=parts,
        device=str(device),
        threads=torch.get_num_threads(),
        repeats=options.repeats or (cfg.QUICK_REPEATS if options.quick else cfg.REPEATS),
        modes={name: found.mode for name, found in programs.items() if found.mode},
        limit=limit,
        crop=crop,
        quick=options.quick,
        complexity_size=(cfg.QUICK_CROP, cfg.QUICK_CROP) if options.quick else cfg.COMPLEXITY_SIZE,
    )
    notes += [warning for d in datasets for warning in d.warnings]
    return Session(config, specs, datasets, used, device, programs, notes)


def _check_names(datasets: Sequence[Dataset]) -> None:
    names = [dataset.name for dataset in datasets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"--datasets: two data sets are called {twice!r}; rename one of the folders.")


def choose_device(name: str) -> torch.device:
    """The device of --device: auto, cpu, cuda or cuda:N; a CUDA device has its index."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"--device {name!r}: unknown; allowed: auto, cpu, cuda, cuda:N.")
    if device.type == "cpu":
        return torch.device("cpu")
    if (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"--device {name}: this machine shows {torch.cuda.device_count()} CUDA devices to torch; "
            "use --device cpu, or see `lic-bench doctor`."
        )
    return torch.device("cuda", device.index or 0)


def _busy(environment: Mapping[str, Any], config: RunConfig) -> list[str]:
    """A line if other work shares the processor: threads that wait for each other then take many times as long."""
    load, cores = environment["load_average"], environment["cores_usable"]
    if "latency" not in config.measure or not load or not cores or load[0] < BUSY * cores:
        return []
    return [f"this machine is busy (load {load[0]:.1f} on {cores} cores): measure times again when it is not"]


def _work(session: Session, store: Store, listener: Listener, options: Options, ahead: int) -> Outcome:
    config = session.config
    effort = Effort(repeats=config.repeats)
    if config.quick:
        effort = Effort(repeats=config.repeats, enough_s=QUICK_ENOUGH_S, warm_up_s=QUICK_WARM_UP_S)
    runner = Runner(
        store,
        listener,
        device=session.device,
        weights=session.files,
        parts=frozenset(config.measure),
        effort=effort,
        ahead=ahead,
    )
    if "complexity" in config.measure:
        for spec in session.specs:
            quality = config.qualities[spec.name][0]
            runner.complexity(spec, quality, config.complexity_size, retry_failed=options.retry_failed)
    jobs = [] if set(config.measure) == {"complexity"} else session.jobs()
    return runner.run(jobs, retry_failed=options.retry_failed)
