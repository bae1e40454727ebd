"""The embedded pictures: the same bytes everywhere, and photograph-like enough for codecs."""

import io

import numpy as np
import pytest
from PIL import Image as pil

from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import pixels_sha256, read_image
from lic_bench.images.known_datasets import read_manifest
from lic_bench.images.sample_pictures import SEEDS, draw_sample


def test_the_pictures_are_those_whose_hashes_are_stored():
    images = find_dataset("sample").images
    assert len(images) == len(SEEDS) == len(read_manifest("sample"))
    for image in images:
        pixels = read_image(image)
        assert (pixels.shape, pixels.dtype) == ((image.height, image.width, 3), np.uint8)
        assert pixels_sha256(pixels) == image.sha256 == read_manifest("sample")[image.name]["pixels_sha256"]


def test_a_crop_is_the_middle_of_the_whole_picture():
    whole, part = find_dataset("sample", limit=1), find_dataset("sample", limit=1, crop=64)
    assert (part.name, part.images[0].sha256) == ("sample@64", whole.images[0].sha256)
    np.testing.assert_array_equal(read_image(part.images[0]), read_image(whole.images[0])[224:288, 352:416])


def test_a_reader_may_write_on_what_it_got():
    image = find_dataset("sample").images[0]
    read_image(image)[:] = 0
    assert read_image(image).any()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (40, 3), (100, 130)])
def test_any_size_is_made_and_depends_on_seed_alone(height, width):
    first = draw_sample(5, height, width)
    np.testing.assert_array_equal(first, draw_sample.__wrapped__(5, height, width))  # made again
    assert first.shape == (height, width, 3)
    assert height * width < 100 or not np.array_equal(first, draw_sample(6, height, width))


def test_jpeg_spends_about_as_many_bits_as_on_photographs():
    for seed in SEEDS:
        file = io.BytesIO()
        pil.fromarray(draw_sample(seed)).save(file, "JPEG", quality=75)
        assert 1.0 < file.tell() * 8 / (512 * 768) < 2.0  # Kodak: 0.8 to 2.3


def test_power_falls_with_frequency_as_in_photographs():
    grey = draw_sample(1).mean(axis=2)
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.fftfreq(768)[None])
    bands = [power[(frequency > low) & (frequency <= 2 * low)].mean() for low in (0.01, 0.02, 0.04, 0.08)]
    slopes = np.diff(np.log2(bands))
    assert -4 < slopes.mean() < -1.2  # 1/f^2 is -2
    assert (slopes < 0).all()
