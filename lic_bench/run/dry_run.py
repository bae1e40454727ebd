"""What a run would do: its jobs, what is stored already, what is missing, and about how long it would take."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image
from lic_bench.machine.environment_record import describe_environment
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session, prepare_session
from lic_bench.run.session import check_growth, jobs_lacking, parts_lacking, stored_rows
from lic_bench.run.settings import effort_of
from lic_bench.run.throughput import BatchJob, BatchRows, batch_jobs, batches_lacking, stored_batches
from lic_bench.spec import CodecSpec
from lic_bench.store.record_log import read_rows
from lic_bench.store.records import Record

VERIFYING_S = 7e-7  # per pixel: reading the image, comparing and MS-SSIM, on one core of 2024
SecondsPerPixel = Mapping[str, Mapping[int, float]]  # codec -> quality -> encoding and decoding


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCodec:
    """What a run would do with one codec.

    weights: quality -> "file", "random" or "own"; {} for a codec without weights. jobs: images times qualities, and a
    throughput's batches times qualities; stored: those of them that the run has already. seconds: for the rest; None
    where no time of the codec is known.
    """

    codec: str
    qualities: tuple[int, ...]
    weights: Mapping[int, str]
    jobs: int
    stored: int
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a run would do. notes: what it would say at its beginning. missing: why it would be refused, if it would."""

    codecs: list[PlannedCodec]
    datasets: list[Dataset]
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def plan_run(options: Options, timed: Iterable[Path]) -> DryRun:
    """Look at everything that a run needs and measure nothing.

    timed: folders of runs whose times tell how long it takes, the likest first.
    Raises UserError for options that are wrong in themselves; what is not there on this machine is in `missing`.
    """
    missing: list[str] = []
    session = prepare_session(options, missing=missing)
    rows = {} if options.fresh else stored_rows(options.out)
    batch_rows: BatchRows = {} if options.fresh else stored_batches(options.out)
    if not options.fresh:
        try:
            check_growth(session, options, describe_environment(session.device))
        except UserError as error:
            missing.append(str(error))
    jobs = session.jobs()
    lacking = jobs_lacking(rows, session, jobs, retry_failed=options.retry_failed)
    batches = list(batch_jobs(session))
    batches_to_do = batches_lacking(batch_rows, session, retry_failed=options.retry_failed)
    seconds = seconds_per_pixel(timed, session.config.device)
    parts, effort = parts_lacking(rows, session, lacking), effort_of(session.config)

    def planned(spec: CodecSpec) -> PlannedCodec:
        to_do = [job for job in lacking if job.spec is spec]
        passes = [job for job in batches_to_do if job.spec is spec]
        count = sum(job.spec is spec for job in jobs) + sum(job.spec is spec for job in batches)
        known = seconds.get(spec.name)
        about = sum(job_seconds(job, known, parts, effort) for job in to_do)
        about += sum(batch_seconds(job, known, effort) for job in passes)
        return PlannedCodec(
            codec=spec.name,
            qualities=session.config.qualities[spec.name],
            weights=_weights(spec, session),
            jobs=count,
            stored=count - len(to_do) - len(passes),
            seconds=about if known or not (to_do or passes) else None,
        )

    codecs = [planned(spec) for spec in session.specs]
    return DryRun(codecs=codecs, datasets=session.datasets, notes=session.notes, missing=missing)


def seconds_per_pixel(folders: Iterable[Path], device: str) -> dict[str, dict[int, float]]:
    """codec -> quality -> median seconds per pixel of encoding and decoding on a device of this kind.

    The first folder that has times of a codec counts. A folder that holds no readable run has none.
    """
    seconds: dict[str, dict[int, float]] = {}
    for folder in folders:
        samples: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        try:
            rows = read_rows(folder / "records.jsonl", Record)
        except UserError:
            continue
        for row in rows:
            if row.encode_s and row.decode_s and row.device.split(":")[0] in ("cpu", device.split(":")[0]):
                both = median(row.encode_s) + median(row.decode_s)
                samples[row.codec][row.quality].append(both / (row.width * row.height))
        for codec, by_quality in samples.items():
            seconds.setdefault(codec, {quality: median(of) for quality, of in by_quality.items()})
    return seconds


def job_seconds(job: Job, known: Mapping[int, float] | None, parts: frozenset[str], effort: Effort) -> float:
    """About how long a job takes. known: quality -> seconds per pixel; where it lacks the job's, their mean counts."""
    pixels, coding_s = _pixels(job.image), _coding_s(job.image, job.quality, known)
    seconds = coding_s + VERIFYING_S * pixels
    if "memory" in parts:
        seconds += coding_s
    if "latency" in parts:
        seconds += min(effort.warm_ups * coding_s, 2 * effort.warm_up_s)
        untimed = 2 if coding_s <= effort.warmed_s else 1  # a fast codec codes twice for each sample
        seconds += untimed * min(effort.most * coding_s, 2 * effort.budget_s)
    if "phases" in parts and job.spec.phases:
        seconds += min(effort.repeats * coding_s, 2 * effort.budget_s)
    return seconds


def batch_seconds(job: BatchJob, known: Mapping[int, float] | None, effort: Effort) -> float:
    """About how long the batches of a job take, if they are no faster than one image after the other."""
    pass_s = sum(_coding_s(image, job.quality, known) for image in job.images)
    verifying_s = 2 * pass_s + VERIFYING_S * sum(map(_pixels, job.images))
    warming_s = max(pass_s, min(effort.warm_ups * pass_s, 2 * effort.warm_up_s))
    return verifying_s + warming_s + max(pass_s, min(effort.most * pass_s, 2 * effort.budget_s))


def _coding_s(image: Image, quality: int, known: Mapping[int, float] | None) -> float:
    """Of encoding and decoding it once."""
    return _pixels(image) * (known or {}).get(quality, fmean(known.values()) if known else 0.0)


def _pixels(image: Image) -> int:
    return (image.width or 0) * (image.height or 0)


def _weights(spec: CodecSpec, session: Session) -> dict[int, str]:
    if spec.kind != "learned":
        return {}
    files = session.files.get(spec.name, {})
    kinds = {quality: "file" if quality in files else "random" for quality in session.config.qualities[spec.name]}
    return dict.fromkeys(kinds, "own") if spec.own_weights else kinds
