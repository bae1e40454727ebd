"""What a person sees while a run goes on: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median
from time import monotonic
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from lic_bench.run.session import Listener

PLAIN_EVERY_S = 2.0


class Forecast:
    """Seconds to go: for every codec the mean of its jobs so far, times those left."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._left = Counter(job.spec.name for job in jobs)
        self._seen: defaultdict[str, list[float]] = defaultdict(list)

    def note(self, job: Job, seconds: float) -> None:
        """One job took `seconds`."""
        self._left[job.spec.name] -= 1
        self._seen[job.spec.name].append(seconds)

    def text(self) -> str:
        """Rate over all jobs so far, and the time to go."""
        times = [seconds for seen in self._seen.values() for seconds in seen]
        left = self.seconds()
        return f"{len(times) / sum(times):.2f} images/s, ETA {duration(left)}" if left is not None else ""

    def seconds(self) -> float | None:
        """Estimate for all jobs left; None before anything is known."""
        if not self._seen:
            return None
        means = {name: sum(times) / len(times) for name, times in self._seen.items()}
        unknown = sum(means.values()) / len(means)  # of a codec that has had no turn yet
        return sum(count * means.get(name, unknown) for name, count in self._left.items())


class Parts:
    """A Listener that shows the parts of a run, which begin one after the other, to another one as a whole."""

    def __init__(self, listener: Listener, jobs: Sequence[Job]) -> None:
        """jobs: of all parts; each part has those of one codec, in the order in which the codecs first appear."""
        self.job, self.record, self.note = listener.job, listener.record, listener.note
        self._listener = listener
        names = dict.fromkeys(job.spec.name for job in jobs)
        self._parts = [[job for job in jobs if job.spec.name == name] for name in names]
        self._done = 0
        self._expected: Sequence[Job] | None = None  # of the next part, as the listener was told

    def started(self, jobs: Sequence[Job], done: int) -> None:
        """Tell it of all that is left, unless it knows: a later part is new, as far as anybody knows before."""
        rest = self._parts[1:]
        if self._expected is None or [job.key for job in self._expected] != [job.key for job in jobs]:
            self._listener.started([*jobs, *(job for later in rest for job in later)], self._done + done)
        self._parts, self._done = rest, self._done + len(jobs) + done
        self._expected = rest[0] if rest else None


class Display:
    """A Listener for people. In a terminal one live line; otherwise a line at most every two seconds, and failures."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._forecast = Forecast([])
        self._total = self._done = 0
        self._last_line = float("-inf")

    def started(self, jobs: Sequence[Job], done: int) -> None:
        """Show how much is to be done, and how much was done before. Once per run, or for each of its parts."""
        self.close()
        self._forecast = Forecast(jobs)
        self._total, self._done = len(jobs) + done, done
        if done:
            self.note(f"resuming: {done} of {self._total} records are stored")
        if self.console.is_terminal and jobs:
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[eta]}", markup=False),
                console=self.console,
                transient=True,
                expand=True,
            )
            self._task = self._bar.add_task("", total=self._total, completed=done, eta="")
            self._bar.start()

    def job(self, job: Job) -> None:
        """Show what is measured now."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=_name(job), refresh=True)

    def record(self, job: Job, record: Record, seconds: float) -> None:
        """Show what was measured."""
        self._done += 1
        self._forecast.note(job, seconds)
        eta = self._forecast.text() if self._done < self._total else ""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, eta=eta)
        if record.status == "failed":
            self.note(f"FAILED {_name(job)}: {record.error}")
        elif self._bar is None and (monotonic() - self._last_line >= PLAIN_EVERY_S or self._done == self._total):
            self._last_line = monotonic()
            self.note(f"[{self._done}/{self._total}] {_name(job)}: {_numbers(record)}{'  ' + eta if eta else ''}")

    def note(self, text: str) -> None:
        """A line of its own."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the live line away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class Downloads:
    """One live bar per file in a terminal, one line per finished file elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Downloads:
        if self.console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._bars.stop()

    def show(self, file: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of a file are there; total None where the server does not say."""
        if self.console.is_terminal:
            task = self._tasks.get(file)
            if task is None:
                task = self._tasks[file] = self._bars.add_task(file)
            self._bars.update(task, completed=done, total=total)
        elif done == total:
            self.console.print(f"{file}: {done} bytes", markup=False, highlight=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """8 s, 3 min 05 s, 2 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _name(job: Job) -> str:
    return f"{job.spec.name} {job.spec.quality_name[0]}{job.quality} {job.dataset}/{job.image.name}"


def _numbers(record: Record) -> str:
    parts = ["random weights"] if record.weights == "random" else []
    if record.payload_bytes is not None and not parts:
        parts.append(f"{record.payload_bytes * 8 / (record.width * record.height):.3f} bpp")
    if record.psnr_db is not None and record.weights != "random":
        parts.append(f"{record.psnr_db:.2f} dB")
    for name, samples in (("enc", record.encode_s), ("dec", record.decode_s)):
        if samples:
            parts.append(f"{name} {median(samples):.3f} s")
    return ", ".join(parts)
