import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch

from lic_bench.codecs.loading import Loaded
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.measurement.batched_coding import code_alone, code_in_batches
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.verified_coding import Pair
from lic_bench.spec import Padding

IMAGES = torch.stack(
    [torch.from_numpy(draw_sample(seed, 40, 56).copy()).permute(2, 0, 1) for seed in (1, 2, 3, 4)]
).contiguous()


@pytest.fixture
def batched(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "plugins" / "batched")
    return importlib.import_module("batched")


def code(module: torch.nn.Module, batch: int) -> tuple[list[int], list[int]]:
    """The sizes of the batches, and the images whose bytes changed."""
    loaded = Loaded(NetworkCodec(module.eval(), Padding(multiple=64)), "weights")
    pair = Pair(encoder=loaded, decoder=loaded)
    alone = [code_alone(pair, image[None]) for image in IMAGES]
    batches, bits, changed = code_in_batches(pair, IMAGES, batch, alone)
    assert len(bits) == len(batches)
    return list(map(len, batches)), changed


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1] * 4), (2, [2, 2]), (4, [4])])
def test_an_image_keeps_its_bytes_in_a_batch(batched: ModuleType, batch: int, sizes: list[int]) -> None:
    assert code(batched.Batched(), batch) == (sizes, [])


def test_bytes_that_depend_on_the_place_in_the_batch_are_found(batched: ModuleType) -> None:
    assert code(batched.Numbered(), 1)[1] == []
    assert code(batched.Numbered(), 2)[1] == [0, 1, 2, 3]  # those in the first place have others in the second


def test_images_that_share_a_string_cannot_be_timed_in_batches(batched: ModuleType) -> None:
    assert code(batched.Joined(), 1)[1] == []
    with pytest.raises(CodecFailure, match="not kept apart by image: 1 for a batch of 2"):
        code(batched.Joined(), 2)


def test_a_batch_that_decodes_to_other_pictures_is_out_of_sync(batched: ModuleType) -> None:
    assert code(batched.Swapped(), 1)[1] == []
    with pytest.raises(CodecFailure, match="out of sync in a batch of 2") as failed:
        code(batched.Swapped(), 2)
    assert failed.value.kind == "out_of_sync"
