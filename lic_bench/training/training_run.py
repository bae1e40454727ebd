"""One training from its options to its weights: check, find the last state, step on, save."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from lic_bench.codecs.loading import new_network
from lic_bench.errors import UserError
from lic_bench.machine.device import choose_device
from lic_bench.training.averages import Averages
from lic_bench.training.crops import Crops, StepBatches, load_batches
from lic_bench.training.options import PRECISIONS, TrainingOptions
from lic_bench.training.plan import Plan, make_plan
from lic_bench.training.recipe import Stage
from lic_bench.training.trainer import Diverged, Trainer
from lic_bench.training.training_folder import CurvePoint, TrainingFolder, read_state, set_aside

POINT_STEPS = 50  # between two points of the curve


class TrainingStopped(UserError):
    """A training that cannot go on by itself."""

    exit_code = 1


class Listener(Protocol):
    """Who watches a training."""

    def started(self, plan: Plan, done: int) -> None:
        """`done` of the plan's steps were made before."""

    def stepped(self, step: int, seconds: float, point: CurvePoint | None) -> None:
        """Step `step`, counted from 1, took `seconds`; where a point of the curve ends with it, this is it."""

    def note(self, text: str) -> None:
        """Something worth a line."""


def train(options: TrainingOptions, listener: Listener) -> Path | None:
    """Train, or go on with a training that was stopped; the weights file, None in all processes but the first.

    Raises UserError, TrainingStopped.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    fabric = make_fabric(options)
    plan = _of_first(fabric, lambda: make_plan(options))
    if options.batch % fabric.world_size:
        raise UserError(f"--batch {options.batch} cannot be shared by {fabric.world_size} processes evenly.")
    network = new_network(plan.spec, plan.quality, options.start, options.seed)  # before anything is written
    with ExitStack() as claims:

        def claim() -> Plan:
            if options.fresh and (aside := set_aside(plan.out)):
                listener.note(f"the training that was in {plan.out} is now {aside}")
            folder = claims.enter_context(closing(TrainingFolder(plan.out, plan.settings, options.allow)))
            return replace(plan, folder=folder, stages=folder.stages)

        claimed = _of_first(fabric, claim)
        _Training(claimed, fabric, network, listener).run()
    return plan.out / plan.weights_name if fabric.is_global_zero else None


def _of_first(fabric: Fabric, make: Callable[[], Plan]) -> Plan:
    """What `make` gives in the first process. Where it raises UserError the others end without a word."""
    plan: Plan | None = None
    error: UserError | None = None
    if fabric.is_global_zero:
        try:
            plan = make()
        except UserError as raised:
            error = raised
    sent: Any = fabric.broadcast((plan and replace(plan, folder=None), error and error.exit_code))
    if error:
        raise error
    if sent[1]:
        raise SystemExit(sent[1])
    return plan or sent[0]


def make_fabric(options: TrainingOptions) -> Fabric:
    """Lightning's device, precision and processes: one, or as many as torchrun started."""
    device = choose_device(options.device)
    precision: Any = PRECISIONS[options.precision]
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        here, nodes = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ.get("GROUP_WORLD_SIZE", "1"))
        strategy = DDPStrategy(find_unused_parameters=True)
        fabric = Fabric(accelerator=device.type, devices=here, num_nodes=nodes, strategy=strategy, precision=precision)
    else:
        fabric = Fabric(
            accelerator=device.type, devices=1 if device.type == "cpu" else [device.index], precision=precision
        )
    fabric.launch()
    return fabric


class _Training:
    """The loop. plan.folder: None in all processes but the first."""

    def __init__(self, plan: Plan, fabric: Fabric, network: nn.Module, listener: Listener) -> None:
        self.plan, self.fabric, self.folder, self.listener = plan, fabric, plan.folder, listener
        self.trainer = Trainer(fabric, network, plan.lmbda, plan.metric, plan.options.seed)
        self.step, self.seconds, self.averages = 0, 0.0, Averages()
        if state := read_state(plan.out):
            self.step, self.seconds = state["step"], state["seconds"]
            self.averages = Averages(**state["averages"])
            self.trainer.load_state(state)
        self.saved = self.step

    def run(self) -> None:
        if self.folder:
            self.folder.cut_curve(self.step)
            for note in self.plan.notes():
                self.listener.note(note)
            self.listener.started(self.plan, self.step)
        if self.step == self.plan.steps:
            return
        try:
            self._go_on()
            self._save()
        except Diverged:
            raise TrainingStopped(
                f"About step {self.step + 1}: loss, gradient or weights are not finite. The last good weights are "
                f"those of step {self.saved} in {self.plan.out}; begin with them in another --out, by --from and with "
                "a lower --lr."
            ) from None

    def _go_on(self) -> None:
        last_saved = start = monotonic()
        for stage, crops in self._batches():
            numbers = self.trainer.step(self.step, crops, stage.rate)
            self.step += 1
            now = monotonic()
            self.seconds += now - start
            self.averages.add(numbers, now - start)
            self._report(stage, now - start)
            start = now
            if now - last_saved >= self.plan.options.save_every and self.step < self.plan.steps:
                self._save()
                last_saved = monotonic()

    def _batches(self) -> Iterator[tuple[Stage, Tensor]]:
        """The stage and this process's crops of every step that is left."""
        options, first = self.plan.options, 0
        for stage in self.plan.stages:
            steps = range(max(first, self.step), first + stage.steps)
            first += stage.steps
            if not steps:
                continue
            pictures = self.plan.pictures
            usable = pictures.of_side(stage.crop)
            crops = Crops(pictures.folder, usable, stage.crop, options.seed, convert=options.convert)
            shares = StepBatches(steps, options.batch, self.fabric.global_rank, self.fabric.world_size)
            pinned = self.fabric.device.type == "cuda"
            try:
                yield from ((stage, batch) for batch in load_batches(crops, shares, options.workers, pinned))
            except (UserError, RuntimeError) as error:  # of a process that cuts crops, its traceback in the message
                reason = str(error).splitlines()[-1].partition("Error: ")
                raise TrainingStopped(
                    f"{reason[2] or reason[0]} The last state is that of step {self.saved}; without a damaged picture "
                    "the training goes on with --allow data."
                ) from None

    def _report(self, stage: Stage, seconds: float) -> None:
        point = None
        if self.step % POINT_STEPS == 0 or self.step == self.plan.steps:
            means = self.averages.means()
            point = CurvePoint(
                step=self.step,
                learning_rate=stage.rate,
                crop=stage.crop,
                loss=means["loss"],
                bpp=means["bpp"],
                psnr_db=means["psnr_db"],
                images_per_s=means["steps_per_s"] * self.plan.options.batch,
                seconds=self.seconds,
            )
            self.averages = Averages()
        if self.folder:
            if point:
                self.folder.add_point(point)
            self.listener.stepped(self.step, seconds, point)

    def _save(self) -> None:
        if not self.trainer.is_finite():
            raise Diverged
        if self.folder:
            network = {name: value.detach().cpu() for name, value in self.trainer.network.state_dict().items()}
            facts = {"steps": self.step, "steps_planned": self.plan.steps, "seconds": self.seconds}
            self.folder.save(
                {"step": self.step, "seconds": self.seconds, "averages": asdict(self.averages), **self.trainer.state()},
                {"state_dict": network, **self.plan.settings, **facts, "earlier": self.folder.earlier},
                self.plan.weights_name,
            )
        self.saved = self.step
