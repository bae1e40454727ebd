"""Crops depend on their number and the seed alone."""

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lic_bench.training.crops import Crops, StepBatches, load_batches
from lic_bench.training.pictures import find_pictures


def crops_of(folder: Path, seed: int = 0) -> Crops:
    found = find_pictures(folder)
    return Crops(found.folder, found.pictures, 64, seed)


def test_a_crop_is_a_part_of_a_picture_perhaps_mirrored(pictures: Path) -> None:
    crops, flips = crops_of(pictures), 0
    stored = [np.asarray(Image.open(pictures / p.path)) for p in crops.pictures]
    for n in range(20):
        crop = crops[n].numpy().transpose(1, 2, 0)
        places = [
            (picture, mirrored)
            for picture in stored
            for mirrored, wanted in ((0, crop), (1, crop[:, ::-1]))
            if any(
                np.array_equal(picture[top : top + 64, left : left + 64], wanted)
                for top, left in np.argwhere((picture[:-63, :-63] == wanted[0, 0]).all(-1))
            )
        ]
        assert len(places) == 1
        flips += places[0][1]
    assert 4 <= flips <= 16


def test_each_picture_has_its_turn_once_per_epoch(pictures: Path) -> None:
    crops = crops_of(pictures)
    orders = [tuple(crops._order(epoch)) for epoch in range(20)]
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in orders)
    assert len(set(orders)) > 10


def test_workers_and_starting_later_change_nothing(pictures: Path) -> None:
    alone = list(load_batches(crops_of(pictures), StepBatches(range(4), 3), 0, pinned=False))
    shared = list(load_batches(crops_of(pictures), StepBatches(range(4), 3), 2, pinned=False))
    later = list(load_batches(crops_of(pictures), StepBatches(range(2, 4), 3), 0, pinned=False))
    assert all(torch.equal(a, b) for a, b in zip(alone, shared, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(alone[2:], later, strict=True))
    other = next(iter(load_batches(crops_of(pictures, seed=1), StepBatches(range(1), 3), 0, pinned=False)))
    assert not torch.equal(alone[0], other)


@given(first=st.integers(0, 50), count=st.integers(0, 10), share=st.integers(1, 5), world=st.integers(1, 4))
def test_processes_share_the_crops_of_a_step(first: int, count: int, share: int, world: int) -> None:
    steps, batch = range(first, first + count), share * world
    parts = [list(StepBatches(steps, batch, rank, world)) for rank in range(world)]
    assert {len(numbers) for part in parts for numbers in part} <= {share}
    together = Counter(n for part in parts for numbers in part for n in numbers)
    assert together == Counter(range(first * batch, (first + count) * batch))


def test_a_process_that_is_not_forked_cuts_the_same(pictures: Path) -> None:
    crops = crops_of(pictures)
    assert torch.equal(crops[3], pickle.loads(pickle.dumps(crops))[3])
