"""The configuration of a run, as run.json keeps it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lic_bench.store.records import PROTOCOL

COMPLEXITY_SIZE = (512, 768)  # height, width: Table 1 of the LALIC paper


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One run, as its folder's run.json keeps it; a run of another configuration gets another folder.

    qualities: codec -> its ladder in this run. weights: codec -> quality -> `lic_bench.codecs.loading.weights_of`.
    modes: codec -> the colour path asked of it, for codecs that have several.
    budget: seconds of samples of each time, where it is not the default of measurement.stopwatch.Effort.
    starts: of each codec's process, to take the times of an image in; None: one.
    isolate: each codec worked in a process of its own.
    crop: side of the central square that is measured instead of the whole image, in pixels.
    images: data set -> number of images. complexity_size: (height, width).
    sizes: sides of the square pictures of a scaling run, see lic_bench.run.scaling; (): a run on data sets.
    """

    codecs: tuple[str, ...]
    datasets: tuple[str, ...]
    images: Mapping[str, int]
    qualities: Mapping[str, tuple[int, ...]]
    weights: Mapping[str, Mapping[str, str]]
    measure: tuple[str, ...]
    device: str
    threads: int
    repeats: int
    budget: float | None = None
    starts: int | None = None
    modes: Mapping[str, str] = field(default_factory=dict)
    isolate: bool = False
    limit: int | None = None
    crop: int | None = None
    quick: bool = False
    complexity_size: tuple[int, int] = COMPLEXITY_SIZE
    sizes: tuple[int, ...] = ()
    protocol: str = PROTOCOL

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return asdict(self)
