"""Measuring pairs of pictures by the metrics of the registry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from lic_bench.errors import UserError
from lic_bench.images.image_file import read_pixels
from lic_bench.measurement.perceptual.colour import Pixels
from lic_bench.measurement.perceptual.registry import Metric, find_metrics

Picture = Pixels | Path | Callable[[], Pixels]  # [H, W, 3] uint8 RGB, or the file of one, or what gives one
Weights = Mapping[str, Path]  # of the networks that metrics compare by: metric -> file


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value of one pair; None where there is none, and then `problem` says why in one line.

    failed: measuring went wrong; else a value of None is what the pair has.
    """

    value: float | None
    problem: str = ""
    failed: bool = False


class Module(Protocol):
    """What the module of a metric offers."""

    def implementation(self, name: str, weights: Weights) -> str: ...
    def measure(
        self, original: Pixels, decoded: Pixels, names: Sequence[str], weights: Weights
    ) -> dict[str, float | None]: ...


def find_implementations(names: Sequence[str], weights: Weights) -> tuple[dict[str, str], dict[str, str]]:
    """Two by name: who measures each metric here, with versions; and of those that nothing here measures, why.

    Raises UserError for a name that is no metric.
    """
    there, missing = {}, {}
    for metric in find_metrics(names):
        try:
            there[metric.name] = _module(metric.module).implementation(metric.name, weights)
        except UserError as error:
            missing[metric.name] = str(error)
    return there, missing


def measure(
    pairs: Sequence[tuple[Picture, Picture]], names: Sequence[str], jobs: int = 1, weights: Weights | None = None
) -> Iterator[dict[str, Score]]:
    """The scores of each pair, original and decoded, by name; as soon as they are known, in the order of the pairs.

    jobs: pairs at the same time. Pictures are read only then. Raises UserError for a name that is no metric, a file
    that is no picture, two sizes in a pair.
    """
    there, missing = find_implementations(names, weights or {})
    metrics = [metric for metric in find_metrics(names) if metric.name in there]
    unmeasured = {name: Score(None, problem, failed=True) for name, problem in missing.items()}
    with ThreadPoolExecutor(max_workers=jobs) as pool:  # NumPy, SciPy and torch compute without Python's lock
        for scores in pool.map(partial(measure_pair, metrics=metrics, weights=weights or {}), pairs):
            yield {name: (scores | unmeasured)[name] for name in dict.fromkeys(names)}


def measure_pair(pair: tuple[Picture, Picture], metrics: Sequence[Metric], weights: Weights) -> dict[str, Score]:
    """The scores of one pair by metrics that are there, by name; errors as of `measure`."""
    original, decoded = map(_pixels, pair)
    if original.shape != decoded.shape:
        sizes = " and ".join(f"{pixels.shape[1]}x{pixels.shape[0]}" for pixels in (original, decoded))
        raise UserError(f"Two pictures of {sizes} cannot be compared; they need one size.")
    side = min(original.shape[:2])
    small = {m.name: Score(None, f"needs sides of {m.smallest_side} pixels, has {side}") for m in metrics}
    fitting = sorted((m for m in metrics if side >= m.smallest_side), key=lambda metric: metric.module)
    for module, group in groupby(fitting, key=lambda metric: metric.module):
        small |= _scores(module, list(group), original, decoded, weights)
    return small


def _scores(
    module: str, metrics: Sequence[Metric], original: Pixels, decoded: Pixels, weights: Weights
) -> dict[str, Score]:
    """By the metrics of one module, which may share work."""
    try:
        values = _module(module).measure(original, decoded, [metric.name for metric in metrics], weights)
    except UserError as error:
        return {metric.name: Score(None, str(error), failed=True) for metric in metrics}
    found = {metric.name: values[metric.name] for metric in metrics}
    return {m.name: Score(found[m.name], m.undefined if found[m.name] is None else "") for m in metrics}


def _pixels(picture: Picture) -> Pixels:
    """The pixels. Raises UserError for anything but 8-bit RGB."""
    if isinstance(picture, Path):
        return read_pixels(picture)
    if callable(picture):
        return picture()
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise UserError(f"A picture of {picture.dtype} {list(picture.shape)} came; metrics take uint8 [H, W, 3], RGB.")
    return picture


def _module(name: str) -> Module:
    """Loaded when it is needed, as some load torch."""
    return cast(Module, import_module(name))
