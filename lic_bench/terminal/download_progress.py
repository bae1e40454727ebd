"""What a person sees during downloads: a live bar per file in a terminal, plain lines elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn


class DownloadProgress:
    """A live bar per file in a terminal, a line per finished file elsewhere. Used in a `with` statement."""

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

    def __enter__(self) -> DownloadProgress:
        if self.console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._bars.stop()

    def show(self, file: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of a file are there; total is None if the server does not say."""
        if self.console.is_terminal:
            task = self._tasks.get(file)
            if task is None:
                task = self._tasks[file] = self._bars.add_task(file)
            self._bars.update(task, completed=done, total=total)
        elif done == total:
            self.console.print(f"{file}: {done} bytes", markup=False, highlight=False, soft_wrap=True)
