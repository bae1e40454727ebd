"""What a person sees while a codec is trained: a live line in a terminal, plain ones elsewhere."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console

from lic_bench.terminal.progress import duration, live_bar

if TYPE_CHECKING:
    from lic_bench.training.plan import Plan
    from lic_bench.training.training_folder import CurvePoint

PLAIN_EVERY_S = 30.0


class TrainingProgress:
    """A Listener that prints loss, bpp, PSNR, images per second and the time to go."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar = live_bar(console)
        self._task = self._bar.add_task("", eta="")
        self._last_line = float("-inf")
        self._pixels = self._seconds = 0.0  # trained on since the start, and in which time

    def started(self, plan: Plan, done: int) -> None:
        """Show how many steps are to be made and were made before."""
        self._plan = plan
        if done:
            self.note(f"going on after step {done} of {plan.steps}")
        self._bar.reset(self._task, total=plan.steps, completed=done, description=plan.weights_name, eta="")
        self._bar.start()

    def stepped(self, step: int, seconds: float, point: CurvePoint | None) -> None:
        """Count a step, show a point of the curve."""
        self._seconds += seconds
        self._pixels += self._pixels_of(step - 1, step)
        left = self._pixels_of(step, self._plan.steps) * self._seconds / self._pixels
        self._bar.update(self._task, completed=step, eta=f"ETA {duration(left)}")
        if point is None:
            return
        text = f"loss {point.loss:.4f}, {point.bpp:.4f} bpp, {point.psnr_db:.2f} dB, {point.images_per_s:.3g} images/s"
        self._bar.update(self._task, description=text)
        if self._bar.disable and (monotonic() - self._last_line >= PLAIN_EVERY_S or step == self._plan.steps):
            self._last_line = monotonic()
            self.note(f"[{step}/{self._plan.steps}] {text}{f', ETA {duration(left)}' if left else ''}")

    def note(self, text: str) -> None:
        """Print a line of its own."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Remove the live line."""
        if self._bar.live.is_started:
            self._bar.stop()

    def _pixels_of(self, first: int, last: int) -> float:
        """Pixels of a crop, summed over the steps from `first` up to `last`, which is left out."""
        total, start = 0, 0
        for stage in self._plan.stages:
            end = start + stage.steps
            total += max(0, min(last, end) - max(first, start)) * stage.crop**2
            start = end
        return total
