"""What a run would do: its jobs, what is stored already, what is missing, and about how long it would take."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset
from lic_bench.machine.environment_record import describe_environment
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session, prepare_session
from lic_bench.run.session import check_growth, jobs_lacking, parts_lacking, stored_rows
from lic_bench.run.settings import effort_of
from lic_bench.spec import CodecSpec
from lic_bench.store.record_log import read_rows
from lic_bench.store.records import Record

VERIFYING_S = 7e-7  # per pixel: reading the image, comparing and MS-SSIM, on one core of 2024
SecondsPerPixel = Mapping[str, Mapping[int, float]]  # codec -> quality -> encoding and decoding


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCodec:
    """What a run would do with one codec.

    weights: quality -> "file", "random" or "own"; {} for a codec without weights. jobs: images times qualities; stored:
    those of them that the run has already. seconds: for the rest; None where no time of the codec is known.
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
    if not options.fresh:
        try:
            check_growth(session, options, describe_environment(session.device))
        except UserError as error:
            missing.append(str(error))
    jobs = session.jobs()
    lacking = jobs_lacking(rows, session, jobs, retry_failed=options.retry_failed)
    seconds = seconds_per_pixel(timed, session.config.device)
    parts, effort = parts_lacking(rows, session, lacking), effort_of(session.config)

    def planned(spec: CodecSpec) -> PlannedCodec:
        of_codec, to_do = ([job for job in some if job.spec is spec] for some in (jobs, lacking))
        known = seconds.get(spec.name)
        return PlannedCodec(
            codec=spec.name,
            qualities=session.config.qualities[spec.name],
            weights=_weights(spec, session),
            jobs=len(of_codec),
            stored=len(of_codec) - len(to_do),
            seconds=sum(job_seconds(job, known, parts, effort) for job in to_do) if known or not to_do else None,
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
    pixels = (job.image.width or 0) * (job.image.height or 0)
    coding_s = pixels * (known or {}).get(job.quality, fmean(known.values()) if known else 0.0)
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


def _weights(spec: CodecSpec, session: Session) -> dict[int, str]:
    if spec.kind != "learned":
        return {}
    files = session.files.get(spec.name, {})
    kinds = {quality: "file" if quality in files else "random" for quality in session.config.qualities[spec.name]}
    return dict.fromkeys(kinds, "own") if spec.own_weights else kinds
