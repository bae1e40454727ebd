"""What a run has to do: one job per codec, quality and image."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lic_bench.images.datasets import Dataset
from lic_bench.images.image_file import Image
from lic_bench.spec import CodecSpec


@dataclass(frozen=True, slots=True)
class Job:
    """One image to be put through one codec at one quality. rung: the quality's place in the codec's ladder."""

    spec: CodecSpec
    quality: int
    dataset: str
    image: Image
    rung: int = 0

    @property
    def key(self) -> tuple[str, int, str, str]:
        """The key of its record."""
        return self.spec.name, self.quality, self.dataset, self.image.name


def plan(
    specs: Sequence[CodecSpec], ladders: Mapping[str, tuple[int, ...]], datasets: Sequence[Dataset]
) -> Iterator[Job]:
    """Every job, codecs interleaved image by image, so that a machine that drifts drifts for all of them.

    Rung by rung of the ladders, so that one quality per codec is in memory at a time.
    """
    for dataset in datasets:
        for rung in range(max(map(len, ladders.values()), default=0)):
            for image in dataset.images:
                for spec in specs:
                    if rung < len(ladders[spec.name]):
                        yield Job(spec, ladders[spec.name][rung], dataset.name, image, rung)
