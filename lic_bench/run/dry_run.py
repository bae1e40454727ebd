"""What a run would do: its jobs, what is stored already, what is missing, and about how long it would take."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from pathlib import Path
from statistics import fmean, median
from typing import Any

from lic_bench.errors import UserError
from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.cluster.cluster_option import device_there, read_cluster
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session, prepare_session
from lic_bench.run.session import check_growth, jobs_lacking, parts_lacking, stored_rows, values_here
from lic_bench.run.settings import effort_of
from lic_bench.run.throughput import BatchJob, BatchRows, batch_jobs, batches_lacking, stored_batches
from lic_bench.spec import CodecSpec
from lic_bench.store.record_log import read_rows
from lic_bench.store.records import Record

VERIFYING_S = 7e-7  # per pixel: reading the image, comparing and MS-SSIM, on one core of 2024


@dataclass(frozen=True, slots=True)
class StoredTimes:
    """Of a codec at one quality: seconds per pixel, and timing rounds per image that were thrown away.

    encode_s: 0 where it only decodes.
    """

    encode_s: float
    decode_s: float
    repeated: float = 0.0


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
    """What a run would do. notes: what it would say at its beginning. missing: why it would be refused, if it would.

    uncounted: what takes time too, of which no stored run tells how long.
    """

    codecs: list[PlannedCodec]
    datasets: list[Dataset]
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    uncounted: list[str] = field(default_factory=list)


def plan_run(options: Options, timed: Iterable[Path]) -> DryRun:
    """Look at everything that a run needs and measure nothing.

    timed: folders of runs whose times tell how long it takes, the likest first.
    Raises UserError for options that are wrong in themselves; what is not there on this machine is in `missing`.
    """
    missing: list[str] = []
    session, described = _session(options, missing)
    rows = {} if options.fresh else stored_rows(options.out)
    batch_rows: BatchRows = {} if options.fresh else stored_batches(options.out)
    if not options.fresh:
        try:
            check_growth(session, options, described())
        except UserError as error:
            missing.append(str(error))
    jobs = session.jobs()
    lacking = jobs_lacking(rows, session, jobs, retry_failed=options.retry_failed)
    batches = list(batch_jobs(session))
    batches_to_do = batches_lacking(batch_rows, session, retry_failed=options.retry_failed)
    times = stored_times(timed, session.config.device)
    parts, effort = parts_lacking(rows, session, lacking), effort_of(session.config)

    def planned(spec: CodecSpec) -> PlannedCodec:
        to_do = [job for job in lacking if job.spec is spec]
        passes = [job for job in batches_to_do if job.spec is spec]
        count = sum(job.spec is spec for job in jobs) + sum(job.spec is spec for job in batches)
        known = times.get(spec.name)
        about = sum(job_seconds(job, known or {}, parts, effort, session.config.starts or 1) for job in to_do)
        about += sum(batch_seconds(job, known or {}, effort) for job in passes)
        return PlannedCodec(
            codec=spec.name,
            qualities=session.config.qualities[spec.name],
            weights=_weights(spec, session),
            jobs=count,
            stored=count - len(to_do) - len(passes),
            seconds=about if known or not (to_do or passes) else None,
        )

    return DryRun(
        codecs=[planned(spec) for spec in session.specs],
        datasets=session.datasets,
        notes=session.notes,
        missing=missing,
        uncounted=_uncounted(session, lacking, parts),
    )


def _session(options: Options, missing: list[str]) -> tuple[Session, Callable[[], dict[str, Any]]]:
    """What would be run, and what tells what run.json would say of it."""
    if options.cluster is None:
        session = prepare_session(options, missing=missing)
        return session, partial(values_here, session)
    from lic_bench.run.cluster import cluster_run

    choice = read_cluster(options.cluster)
    options = replace(options, threads=options.threads or choice.cores)
    session = prepare_session(options, missing=missing, device=device_there(choice, options.device))
    cluster_run.check_session(session, options, choice)
    session.notes.append("the time is that of one worker; nothing was asked of the cluster")
    return session, partial(cluster_run.values_expected, session, options)


def stored_times(folders: Iterable[Path], device: str) -> dict[str, dict[int, StoredTimes]]:
    """codec -> quality -> medians of its times on a device of this kind, and the mean of its repeated rounds.

    The first folder that has times of a codec counts. A folder that holds no readable run has none.
    """
    times: dict[str, dict[int, StoredTimes]] = {}
    for folder in folders:
        samples: defaultdict[str, defaultdict[int, list[StoredTimes]]] = defaultdict(lambda: defaultdict(list))
        try:
            rows = read_rows(folder / "records.jsonl", Record)
        except UserError:
            continue
        for row in rows:
            if row.decode_s and row.device.split(":")[0] in ("cpu", device.split(":")[0]):
                encode_s, decode_s = (
                    median(of or [0]) / (row.width * row.height) for of in (row.encode_s, row.decode_s)
                )
                repeated = row.rounds_repeated / max(1, len(set(row.starts)))
                samples[row.codec][row.quality].append(StoredTimes(encode_s, decode_s, repeated))
        for codec, by_quality in samples.items():
            times.setdefault(codec, {quality: _middle(of, median) for quality, of in by_quality.items()})
    return times


def job_seconds(
    job: Job, known: Mapping[int, StoredTimes], parts: frozenset[str], effort: Effort, starts: int = 1
) -> float:
    """About how long a job takes. known: by quality; where it lacks the job's, their means count.

    starts: of the codec's process, after each of which times are taken.
    """
    pixels, times = _pixels(job.image), _times_at(job.quality, known)
    encode_s, decode_s = times.encode_s * pixels, times.decode_s * pixels
    coding_s = encode_s + decode_s
    seconds = coding_s + VERIFYING_S * pixels
    if "memory" in parts:
        seconds += coding_s
    if "latency" in parts:
        rounds_s = _rounds_seconds(encode_s, decode_s, times.repeated, effort)
        seconds += starts * rounds_s + (starts - 1) * encode_s
    if "phases" in parts and (job.spec.phases or job.spec.streams):
        seconds += min(effort.repeats * coding_s, 2 * effort.budget_s)
    return seconds


def batch_seconds(job: BatchJob, known: Mapping[int, StoredTimes], effort: Effort) -> float:
    """About how long the batches of a job take, if they are no faster than one image after the other."""
    pixels, times = sum(map(_pixels, job.images)), _times_at(job.quality, known)
    pass_s = pixels * (times.encode_s + times.decode_s)
    verifying_s = 2 * pass_s + VERIFYING_S * pixels
    warming_s = max(pass_s, min(effort.warm_ups * pass_s, 2 * effort.warm_up_s))
    return verifying_s + warming_s + max(pass_s, min(effort.most * pass_s, 2 * effort.budget_s))


def _pixels(image: Image) -> int:
    return (image.width or 0) * (image.height or 0)


def _times_at(quality: int, known: Mapping[int, StoredTimes]) -> StoredTimes:
    """Those of the quality; where they lack, the means of all; none are no time."""
    return known.get(quality) or (_middle(list(known.values()), fmean) if known else StoredTimes(0.0, 0.0, 0.0))


def _rounds_seconds(encode_s: float, decode_s: float, repeated: float, effort: Effort) -> float:
    """Of warming up and of all turns in rounds, as many as Timing.enough asks for where times never settle."""
    coding_s = encode_s + decode_s
    fewer, more = sorted(
        effort.most if effort.most * s < effort.budget_s else ceil(effort.budget_s / s) for s in (encode_s, decode_s)
    )
    samples = min(more, max(fewer, effort.repeats))
    untimed = 2 if coding_s <= effort.warmed_s else 1  # a fast codec codes twice for each sample
    turns_s = samples * coding_s + repeated * max(coding_s, effort.visit_s)
    return min(effort.warm_ups * coding_s, 2 * effort.warm_up_s) + untimed * turns_s


def _middle(several: Sequence[StoredTimes], of: Callable[[list[float]], float]) -> StoredTimes:
    """of: the median or the mean, which counts for both times; of the repeated rounds it is the mean."""
    encode_s, decode_s = of([t.encode_s for t in several]), of([t.decode_s for t in several])
    return StoredTimes(encode_s, decode_s, fmean(t.repeated for t in several))


def _uncounted(session: Session, lacking: Sequence[Job], parts: frozenset[str]) -> list[str]:
    """What no stored run tells: how long processes, weights and the counting of operations take."""
    codecs = {job.spec.name for job in lacking}
    again = len(lacking) * ((session.config.starts or 1) - 1) if "latency" in parts else 0
    starts = (len(codecs) * (2 if "quality" in parts else 1) + again) * session.config.isolate
    learned = any(job.spec.kind == "learned" for job in lacking)
    texts = {f"{starts} process start{'s' if starts > 1 else ''}": starts, "loading weights": learned}
    texts |= {"coding by the bases of variants": "quality" in parts and any(job.spec.variants for job in lacking)}
    texts |= {"counting operations": learned and "complexity" in session.config.measure}
    texts |= {"perceptual metrics": bool(session.config.metrics)}
    texts |= {"searching qualities by --match, and measuring at them": bool(session.config.match)}
    return [text for text, applies in texts.items() if applies]


def _weights(spec: CodecSpec, session: Session) -> dict[int, str]:
    if spec.kind != "learned":
        return {}
    files = session.files.get(spec.name, {})
    kinds = {quality: "file" if quality in files else "random" for quality in session.config.qualities[spec.name]}
    return dict.fromkeys(kinds, "own") if spec.own_weights else kinds
