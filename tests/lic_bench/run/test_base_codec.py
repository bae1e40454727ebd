"""The decoded image of a variant is held against its base's, apart from what is measured."""

import numpy as np
import pytest
import torch

from lic_bench.codecs.registry import resolve_codec
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image
from lic_bench.run.codec_worker import CodecWorker
from lic_bench.run.worker_interface import CodecSetup

QUALITY = frozenset(["quality"])


@pytest.fixture
def image() -> Image:
    return find_dataset("sample", None, limit=1, crop=64).images[0]


def worker(codec: str, parts: frozenset[str] = QUALITY) -> CodecWorker:
    return CodecWorker(CodecSetup(spec=resolve_codec(codec), device="cpu", parts=parts))


def test_another_coder_decodes_the_same_and_is_the_only_one_noted(image: Image) -> None:
    fields = worker("lalic-small@compressai-coder").code(3, image).fields
    assert (fields["base_max_abs"], fields["entropy_coder"]) == (0, "rans (compressai)")


def test_the_difference_is_that_of_both_decoded_pictures(image: Image) -> None:
    variant, base = worker("lalic-small@bf16").code(3, image), worker("lalic-small").code(3, image)
    difference = np.abs(variant.picture().astype(int) - base.picture()).max()
    assert variant.fields["base_max_abs"] == difference > 0
    assert "base_max_abs" not in base.fields


def test_only_where_quality_is_measured(image: Image) -> None:
    fields = worker("lalic-small@bf16", frozenset(["memory"])).code(3, image).fields
    assert "base_max_abs" not in fields


@pytest.mark.parametrize(("parts", "stays"), [(QUALITY, 1), (QUALITY | {"memory"}, 0)])
def test_the_base_stays_only_where_no_costs_are_measured(image: Image, parts: frozenset[str], stays: int) -> None:
    coding = worker("lalic-small@compressai-coder", parts)
    coding.code(3, image)
    coding.code(4, image)
    assert len(coding._base._loaded) == stays
    coding.renew()
    assert not coding._base._loaded


def test_a_base_that_fails_leaves_none_and_the_variant_its_record(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(spec: object, *rest: object) -> object:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr("lic_bench.run.base_codec.load_codec", fails)
    fields = worker("lalic-small@compressai-coder").code(3, image).fields
    assert fields["base_max_abs"] is None
    assert fields["psnr_db"] is not None
