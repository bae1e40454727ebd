"""Random crops of pictures. Crop n of a training is the same on every machine, whoever cuts it and whenever."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lic_bench.images.image_file import read_pixels
from lic_bench.training.pictures import Picture

ORDER, CROP = 0, 1  # what a random generator is for: the order of an epoch, one crop
KEPT_BYTES = 1 << 29  # of decoded pictures, in each process that cuts crops


class Crops(Dataset[Tensor]):
    """Crop n: of the n-th picture in an order drawn anew for every epoch, at a random place, in half the cases flipped.

    pictures: in `folder`, each at least side x side pixels. seed: of order, places and flips. convert: those of other
    kinds are made 8-bit RGB.
    """

    def __init__(
        self, folder: Path, pictures: Sequence[Picture], side: int, seed: int, *, convert: bool = False
    ) -> None:
        self.folder, self.pictures, self.side, self.seed, self.convert = folder, list(pictures), side, seed, convert
        largest = max(picture.width * picture.height * 3 for picture in pictures)
        self._read = lru_cache(KEPT_BYTES // largest)(partial(read_pixels, convert=convert))
        self._order = lru_cache(2)(self._drawn_order)

    def __getitem__(self, n: int) -> Tensor:
        """Crop n, [3, side, side] uint8. Raises UserError if its picture cannot be read."""
        epoch, place = divmod(n, len(self.pictures))
        picture = self.pictures[self._order(epoch)[place]]
        random = np.random.default_rng((self.seed, CROP, n))
        top = int(random.integers(picture.height - self.side + 1))
        left = int(random.integers(picture.width - self.side + 1))
        crop = self._read(self.folder / picture.path)[top : top + self.side, left : left + self.side]
        if random.integers(2):
            crop = crop[:, ::-1]
        return torch.from_numpy(crop.transpose(2, 0, 1).copy())

    def __reduce__(self) -> tuple[Any, ...]:
        """For processes that are not forked, without what is kept."""
        return partial(Crops, convert=self.convert), (self.folder, self.pictures, self.side, self.seed)

    def _drawn_order(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng((self.seed, ORDER, epoch)).permutation(len(self.pictures))


class StepBatches:
    """The numbers of the crops of each step: `batch` in all, of which process `rank` of `world` takes its share."""

    def __init__(self, steps: range, batch: int, rank: int = 0, world: int = 1) -> None:
        self.steps, self.batch, self.rank, self.world = steps, batch, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        share = self.batch // self.world
        for step in self.steps:
            start = step * self.batch + self.rank * share
            yield list(range(start, start + share))

    def __len__(self) -> int:
        return len(self.steps)


def load_batches(crops: Crops, batches: StepBatches, workers: int, pinned: bool) -> DataLoader[Tensor]:
    """Batches of crops, [share, 3, side, side] uint8. workers: processes that cut them; 0: this one does."""
    return DataLoader(crops, batch_sampler=batches, num_workers=workers, pin_memory=pinned)
