"""What a person sees while a run or a download goes on: live lines in a terminal, plain ones elsewhere."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import fmean, median
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from lic_bench.run.jobs import Job
from lic_bench.store.records import Record

PLAIN_EVERY_S = 2.0


class RemainingTime:
    """An estimate of the seconds to go: for every codec the mean of its jobs so far, times those that remain."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._remaining = Counter(job.spec.name for job in jobs)
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)  # codec -> of each of its jobs

    def add(self, job: Job, seconds: float) -> None:
        """One job took `seconds`."""
        self._remaining[job.spec.name] -= 1
        self._seconds[job.spec.name].append(seconds)

    def text(self) -> str:
        """Images per second over all jobs so far, and the time to go."""
        estimate = self.seconds()
        if estimate is None:
            return ""
        times = [seconds for of_codec in self._seconds.values() for seconds in of_codec]
        return f"{len(times) / sum(times):.2f} images/s, ETA {duration(estimate)}"

    def seconds(self) -> float | None:
        """Estimate for all jobs that remain; None before the first one."""
        if not self._seconds:
            return None
        means = {codec: fmean(times) for codec, times in self._seconds.items()}
        mean = fmean(means.values())  # for codecs that had no turn yet
        return sum(count * means.get(codec, mean) for codec, count in self._remaining.items())


def live_bar(console: Console) -> Progress:
    """The live line of a long command: what is done now, how much of all, the time it took and what is to come.

    Its tasks have a field `eta`, a text. Outside of a terminal it shows nothing.
    """
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[eta]}", markup=False),
        console=console,
        transient=True,
        expand=True,
        disable=not console.is_terminal,
    )


class RunProgress:
    """A Listener that prints: in a terminal one live line, elsewhere a line at most every two seconds, and failures."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar = live_bar(console)
        self._task = self._bar.add_task("", eta="")
        self._remaining_time = RemainingTime([])
        self._total = self._done = 0
        self._last_line = float("-inf")

    def started(self, jobs: Sequence[Job], done: int) -> None:
        """Show how many jobs are to be done and were done before. Called once per run, or for each of its parts."""
        self.close()
        self._remaining_time = RemainingTime(jobs)
        self._total, self._done = len(jobs) + done, done
        if done:
            self.note(f"resuming: {done} of {self._total} records are stored")
        self._bar.reset(self._task, total=self._total, completed=done, description="", eta="")
        if jobs:
            self._bar.start()

    def job(self, job: Job) -> None:
        """Show which job is measured now."""
        self._bar.update(self._task, description=_job_name(job), refresh=True)

    def working(self, text: str) -> None:
        """Show what the workers of a cluster do."""
        self._bar.update(self._task, description=text, refresh=True)

    def record(self, job: Job, record: Record, seconds: float) -> None:
        """Count a finished job; show its numbers, or why it failed. Of an unusable image all was said before."""
        self._done += 1
        self._remaining_time.add(job, seconds)
        eta = self._remaining_time.text() if self._done < self._total else ""
        self._bar.update(self._task, completed=self._done, eta=eta)
        name = _job_name(job)
        if record.status == "failed":
            if not job.image.problem:
                self.note(f"FAILED {name}: {record.error}")
        elif self._bar.disable and (monotonic() - self._last_line >= PLAIN_EVERY_S or self._done == self._total):
            self._last_line = monotonic()
            self.note(f"[{self._done}/{self._total}] {name}: {_main_numbers(record)}{'  ' + eta if eta else ''}")

    def note(self, text: str) -> None:
        """Print a line of its own."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Remove the live line."""
        if self._bar.live.is_started:
            self._bar.stop()


def duration(seconds: float) -> str:
    """Seconds in words: 8 s, 3 min 05 s, 2 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _job_name(job: Job) -> str:
    return f"{job.spec.name} {job.spec.quality_name[0]}{job.quality} {job.dataset}/{job.image.name}"


def _main_numbers(record: Record) -> str:
    parts = ["random weights"] if record.weights == "random" else []
    if record.payload_bytes is not None and not parts:
        parts.append(f"{record.payload_bytes * 8 / (record.width * record.height):.3f} bpp")
    if record.psnr_db is not None and record.weights != "random":
        parts.append(f"{record.psnr_db:.2f} dB")
    if (vmaf := record.perceptual.get("vmaf")) is not None:
        parts.append(f"VMAF {vmaf:.1f}")
    for name, samples in (("enc", record.encode_s), ("dec", record.decode_s)):
        if samples:
            parts.append(f"{name} {median(samples):.3f} s")
    return ", ".join(parts)


class DownloadProgress(Progress):
    """A live bar per file in a terminal, a line per finished file elsewhere. Used in a `with` statement."""

    def __init__(self, console: Console) -> None:
        columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn()
        super().__init__(*columns, console=console, disable=not console.is_terminal)
        self._task_of: dict[str, TaskID] = {}  # by file

    def show(self, file: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of a file are there; total is None if the server does not say."""
        if file not in self._task_of:
            self._task_of[file] = self.add_task(file)
        self.update(self._task_of[file], completed=done, total=total)
        if self.disable and done == total:
            self.console.print(f"{file}: {done} bytes", markup=False, highlight=False, soft_wrap=True)
