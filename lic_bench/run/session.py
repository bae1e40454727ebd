"""One run from its options to its outcome: everything is checked before anything is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import torch

from lic_bench.codecs.bitstream_cache import BitstreamCache, cache_folder
from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.codecs.loading import kernels_of, weights_of
from lic_bench.codecs.registry import check_installed, choose_codecs, programs_of
from lic_bench.errors import UserError, unknown
from lic_bench.images.datasets import Dataset, find_dataset
from lic_bench.machine import cores
from lic_bench.machine.environment import describe, fingerprint, prepare
from lic_bench.machine.gpu import describe as describe_gpu
from lic_bench.machine.machine_lock import alone
from lic_bench.measurement.conditions import Watch
from lic_bench.measurement.failures import OUT_OF_MEMORY
from lic_bench.measurement.reference_workload import workload
from lic_bench.measurement.rounds import FRESH_S, Canary
from lic_bench.measurement.stopwatch import Effort
from lic_bench.option_lists import split_list
from lic_bench.run import choices as cfg
from lic_bench.run import turn_client as baton
from lic_bench.run.codec_process import at_work
from lic_bench.run.codec_worker import COSTS, Recipe
from lic_bench.run.image_turns import Settings
from lic_bench.run.jobs import Job, plan
from lic_bench.run.runner import Listener, Outcome, Runner, left
from lic_bench.run.weights_choice import choose_weights
from lic_bench.spec import CodecSpec
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_config import COMPLEXITY_SIZE, RunConfig
from lic_bench.store.run_folder import ALLOWED, Store, set_aside
from lic_bench.system.programs import Found

QUICK: Mapping[str, Any] = {"warm_up_s": 1.0, "budget_s": 1.0, "again": 1}  # of Effort
TIMEOUT_S = 3600.0
BUSY = 0.75  # load average per core from which times are in doubt

Files = Mapping[str, Mapping[int, Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `lic-bench run` as they were given; None where the default depends on others."""

    codecs: str
    out: Path
    datasets: str = ""
    data_root: Path | None = None
    checkpoints: Path | None = None
    weights: str | None = None
    qualities: Sequence[str] = ()
    limit: int | None = None
    crop: int | None = None
    measure: str = "all"
    device: str = "auto"
    repeats: int | None = None
    budget: float | None = None
    starts: int | None = None
    threads: int | None = None
    vtm_root: Path | None = None
    vtm_colour: str | None = None
    jobs: int | None = None
    isolate: bool | None = None
    timeout: float | None = None
    quick: bool = False
    fresh: bool = False
    retry_failed: bool = False
    allow: Sequence[str] = ()


@dataclass(slots=True)
class Session:
    """A checked run, ready to go.

    counted: codec -> the sizes (height, width) at which its operations are counted.
    alone: one codec after the other is in memory, and none is asked for more once it ran out of it.
    """

    config: RunConfig
    specs: list[CodecSpec]
    datasets: list[Dataset]
    files: Files
    device: torch.device
    programs: Mapping[str, Found]
    notes: list[str] = field(default_factory=list)
    counted: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    alone: bool = False

    def jobs(self) -> list[Job]:
        """Every job of the run, in order."""
        return list(plan(self.specs, self.config.qualities, self.datasets))

    def groups(self) -> list[list[CodecSpec]]:
        """The codecs, those together that are in memory together."""
        return [[spec] for spec in self.specs] if self.alone else [self.specs]


def run(options: Options, listener: Listener) -> Outcome:
    """Check the options, open the store, measure what it lacks. Raises UserError for bad input."""
    return carry_out(prepare_session(options), options, listener)


def carry_out(session: Session, options: Options, listener: Listener) -> Outcome:
    """Open the store, measure what it lacks."""
    environment = describe(session.device)
    if options.fresh:
        aside = set_aside(options.out)
        session.notes += [f"the run that was in {options.out} is now {aside}"] if aside else []
    store = Store(
        options.out,
        {
            "config": session.config.to_json(),
            "fingerprint": fingerprint(environment) | _own(session),
            "environment": environment,
            "images": {f"{d.name}/{i.name}": i.sha256 for d in session.datasets for i in d.images},
            "warnings": [warning for d in session.datasets for warning in d.warnings],
        },
        allow=options.allow,
    )
    try:
        for text in [*session.notes, *_busy(environment, session.config)]:
            listener.note(text)
        return _work(session, store, listener, options, options.jobs or environment["cores_usable"])
    finally:
        store.close()


def _own(session: Session) -> dict[str, Any]:
    """What a run adds to the machine's fingerprint. cores_kept: on how many it is kept while times are taken."""
    kept = cores.for_threads(session.config.threads) if COSTS & set(session.config.measure) else None
    return {"kernels": _kernels(session), "programs": _versions(session), "cores_kept": len(kept) if kept else None}


def _kernels(session: Session) -> dict[str, str]:
    """Codec -> the kernels it computes with, for those that have a choice."""
    return {spec.name: name for spec in session.specs if (name := kernels_of(spec, session.device))}


def _versions(session: Session) -> dict[str, list[str]]:
    """Codec -> the version of its coder and the hashes of its files, for those that are other programs."""
    return {name: [found.version, *map(sha256_of, found.files)] for name, found in session.programs.items()}


def prepare_session(options: Options, datasets: Sequence[Dataset] = ()) -> Session:
    """Resolve names, data, weights and settings; nothing is written, but the bitstream cache made ready if needed.

    datasets: in place of those that the options name.
    """
    for name in ("limit", "crop", "repeats", "starts", "threads", "jobs"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UserError(f"--{name} {value}: at least 1.")
    for name in ("timeout", "budget"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise UserError(f"--{name} {value:g}: more than 0 seconds.")
    for name in options.allow:
        if name not in ALLOWED:
            raise unknown("--allow", name, ALLOWED)
    device = choose_device(options.device)
    prepare(device, options.threads)
    named = {"vtm_root": options.vtm_root, "vtm_colour": options.vtm_colour}
    specs = cfg.with_options(choose_codecs(options.codecs), named)
    for spec in specs:
        check_installed(spec)
    programs = {spec.name: found for spec in specs if (found := programs_of(spec))}
    parts = cfg.choose_parts(options.measure)
    if (options.jobs or 1) > 1 and COSTS & set(parts):
        raise UserError(
            f"--jobs {options.jobs}: times and memory are taken one at a time; add --measure quality, and a run of its "
            "own with --measure latency,memory."
        )
    asked = cfg.parse_qualities(options.qualities, specs)
    limit = options.limit or (cfg.QUICK_LIMIT if options.quick else None)
    crop = options.crop or (cfg.QUICK_CROP if options.quick else None)
    if not datasets:
        names = split_list(options.datasets, "--datasets")
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
        budget=options.budget,
        starts=options.starts,
        modes={name: found.mode for name, found in programs.items() if found.mode},
        isolate=bool(COSTS & set(parts)) if options.isolate is None else options.isolate,
        limit=limit,
        crop=crop,
        quick=options.quick,
        complexity_size=(cfg.QUICK_CROP, cfg.QUICK_CROP) if options.quick else COMPLEXITY_SIZE,
    )
    if options.starts and not config.isolate:
        raise UserError(
            f"--starts {options.starts}: codecs have no processes that could be started again; add --isolate."
        )
    notes += [warning for d in datasets for warning in d.warnings]
    if options.jobs and not programs:
        notes += [f"--jobs {options.jobs} has no effect: none of these codecs encodes by another program"]
    if options.timeout and not config.isolate and any(spec.kind == "learned" for spec in specs):
        notes += ["--timeout has no effect on networks that work in this process: add --isolate"]
    if config.isolate and (describe_gpu(device) or {}).get("exclusive"):
        raise UserError(
            f"--device {device}: this GPU lets one process at a time use it (compute mode EXCLUSIVE_PROCESS); add "
            "--no-isolate, or set the mode to DEFAULT."
        )
    if programs and not COSTS & set(parts) and set(parts) != {"complexity"}:
        BitstreamCache(cache_folder()).prepare()
    counted = {s.name: [config.complexity_size] for s in specs} if "complexity" in parts else {}
    return Session(config, specs, list(datasets), used, device, programs, notes, counted)


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
    outcome = Outcome()
    timed = COSTS & set(session.config.measure) and left(store, session.jobs(), retry_failed=options.retry_failed)
    with _machine(session, options, listener) if timed else nullcontext(lambda: None) as pause:
        settings = _settings(session, options, timed=bool(timed))
        for specs in session.groups():
            recipes = [_recipe(spec, session, settings, options) for spec in specs]
            with at_work(recipes, isolate=session.config.isolate) as works:
                runner = Runner(store, listener, works, settings, ahead=ahead, pause=pause)
                part = runner.run(_jobs(session, specs, store, options), retry_failed=options.retry_failed)
                for spec in specs:  # afterwards: a cold start must be the first thing that a process does
                    _count(spec, session, runner, store, options)
            outcome.stored += part.stored
            outcome.failed += part.failed
    outcome.failed_complexity = list(store.complexity.failed.values())
    return outcome


@contextmanager
def _machine(session: Session, options: Options, listener: Listener) -> Iterator[Callable[[], None]]:
    """The machine for this run alone, or in turn with another; what to do between two rounds."""
    if baton.asked():
        with baton.held(options.out.name) as held:
            yield held.pass_on
    else:
        with alone(listener.note):
            yield lambda: None


def _count(spec: CodecSpec, session: Session, runner: Runner, store: Store, options: Options) -> None:
    """Operations at every size of the session; in one that looks for limits only below the codec's."""
    for height, width in session.counted.get(spec.name, ()):
        rows: list[Record | Complexity] = [*store.records.failed.values(), *store.complexity.failed.values()]
        limits = [row.height * row.width for row in rows if row.codec == spec.name and _no_memory(row)]
        if session.alone and any(limit <= height * width for limit in limits) and not options.retry_failed:
            return
        quality = session.config.qualities[spec.name][0]
        runner.complexity(spec, quality, (height, width), retry_failed=options.retry_failed)


def _no_memory(row: Record | Complexity) -> bool:
    return (row.error or "").startswith(OUT_OF_MEMORY)


def _settings(session: Session, options: Options, *, timed: bool) -> Settings:
    config, device = session.config, session.device
    return Settings(
        parts=frozenset(config.measure),
        effort=_effort(config),
        devices={s.name: str(device) if device.type in s.devices else "cpu" for s in session.specs},
        canary=Canary(workload(device), FRESH_S if baton.asked() else 0.0) if timed else None,
        watch=Watch(device) if timed else None,
        cores=cores.for_threads(config.threads) if timed else None,
        starts=config.starts or 1,
        apart=config.isolate,
        stops_at_limit=session.alone,
        timeout_s=options.timeout or TIMEOUT_S,
    )


def _effort(config: RunConfig) -> Effort:
    given: dict[str, Any] = {"repeats": config.repeats, **(QUICK if config.quick else {})}
    given["most"] = max(Effort().most, config.repeats)
    if config.budget is not None:
        given["budget_s"] = config.budget
    if baton.asked():  # rounds come in pairs, of which none is thrown away, and as many for both runs
        given |= {"again": 0, "turns": config.repeats, "repeats": 2, "narrow": inf}
    return Effort(**given)


def _recipe(spec: CodecSpec, session: Session, settings: Settings, options: Options) -> Recipe:
    return Recipe(
        spec=spec,
        device=settings.devices[spec.name],
        files=session.files.get(spec.name, {}),
        parts=settings.parts,
        effort=settings.effort,
        threads=session.config.threads,
        cores=settings.cores,
        timeout_s=options.timeout or TIMEOUT_S,
        draw=baton.draw(),
    )


def _jobs(session: Session, specs: Sequence[CodecSpec], store: Store, options: Options) -> list[Job]:
    """Those of the codecs, but for new ones on images larger than one that an earlier attempt had no memory for."""
    if set(session.config.measure) == {"complexity"}:
        return []
    jobs = [job for job in session.jobs() if job.spec in specs]
    if not session.alone or options.retry_failed:
        return jobs
    limits = [row for row in store.records.failed.values() if _no_memory(row)]
    return [job for job in jobs if job.key in store.records.keys or not _beyond(job, limits)]


def _beyond(job: Job, limits: Sequence[Record]) -> bool:
    size = (job.image.width or 0) * (job.image.height or 0)
    return any(row.codec == job.spec.name and row.width * row.height < size for row in limits)
