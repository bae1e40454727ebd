"""The image file formats: what is written is the format, and the conversions around it lose nothing."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as pil

from lic_bench.codec import Bitstream
from lic_bench.codecs.image_library_versions import library_versions
from lic_bench.codecs.pixels import to_pixels, to_tensor
from lic_bench.codecs.registry import load_target, resolve_codec
from lic_bench.images.sample_pictures import draw_sample


def sample(height: int = 128, width: int = 192) -> torch.Tensor:
    return to_tensor(draw_sample(2, height, width).copy())


def test_pixels_to_tensor_and_back_is_exact_for_all_levels():
    levels = np.arange(256 * 3, dtype=np.uint8).reshape(16, 16, 3)
    x = to_tensor(levels)
    assert (x.shape, x.dtype, x.min(), x.max()) == ((1, 3, 16, 16), torch.float32, 0, 1)
    np.testing.assert_array_equal(to_pixels(x), levels)


def test_values_are_rounded_and_clamped_not_cut():
    x = torch.tensor([0.499, 0.501, 1.2, -0.1, 254.6 / 255, 0.4 / 255]).reshape(1, 3, 1, 2)
    np.testing.assert_array_equal(to_pixels(x).transpose(2, 0, 1).ravel(), [127, 128, 255, 0, 255, 0])


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (1, 1, 4, 4), (3, 4, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="allowed is one RGB image"):
        to_pixels(torch.zeros(shape))


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("jpeg", b"\xff\xd8\xff"),
        ("jpeg2000", b"\0\0\0\x0cjP  "),
        ("webp", b"RIFF"),
        ("avif", b"\0\0\0"),
        ("jpeg-xl", b"\xff\x0a"),
    ],
)
def test_the_payload_is_a_file_of_the_format(name, start):
    spec = resolve_codec(name)
    bits = load_target(spec.load)(spec.qualities[2]).compress(sample())
    assert bits.payload.startswith(start)
    with pil.open(io.BytesIO(bits.payload)) as picture:
        assert picture.size == (192, 128)


@pytest.mark.parametrize("name", ["jpeg", "jpeg2000", "webp", "avif", "jpeg-xl"])
def test_the_version_of_the_coder_is_told(name):
    spec = resolve_codec(name)
    version = load_target(spec.load)(spec.qualities[0]).version
    assert version in library_versions().values()
    assert any(digit in version for digit in "0123456789")


def test_another_format_is_not_decoded_by_chance():
    webp, jpeg = (load_target(resolve_codec(name).load)(50) for name in ("webp", "jpeg"))
    with pytest.raises(pil.UnidentifiedImageError):
        jpeg.decompress(webp.compress(sample()))


def test_jpeg_is_four_two_zero_with_standard_tables():
    file = io.BytesIO()
    pil.fromarray(draw_sample(2, 128, 192)).save(file, "JPEG", quality=50)
    assert load_target(resolve_codec("jpeg").load)(50).compress(sample()).payload == file.getvalue()


@pytest.mark.parametrize("quality", [25, 100])
def test_jpeg_2000_meets_its_target_rate(quality):
    x = to_tensor(draw_sample(1).copy())
    rate = len(load_target(resolve_codec("jpeg2000").load)(quality).compress(x).payload) * 8 / (512 * 768)
    assert rate == pytest.approx(quality / 100, rel=0.02)


@pytest.mark.parametrize("name", ["jpeg", "jpeg2000", "webp", "avif", "jpeg-xl"])
def test_damaged_bytes_raise(name):
    codec = load_target(resolve_codec(name).load)(50)
    payload = codec.compress(sample()).payload
    with pytest.raises((OSError, ValueError, RuntimeError, SyntaxError)):
        codec.decompress(Bitstream(payload=payload[:20]))


REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(("name", "dB"), [("jpeg", 0.15), ("webp", 0.001)])
def test_kodak_points_are_the_published_ones(name, dB, shared):
    points = json.loads((REPOSITORY / "results" / "published" / "rd" / "kodak" / f"{name}.json").read_text())["points"]
    point = points[50 // 5 - 1]  # CompressAI's runs go 5, 10, ..., 95
    codec, bpp, psnr_db = load_target(resolve_codec(name).load)(50), [], []
    for file in sorted((shared / "data" / "kodak").glob("*.png")):
        with pil.open(file) as picture:
            x = to_tensor(np.array(picture))
        bits = codec.compress(x)
        bpp.append(len(bits.payload) * 8 / (512 * 768))
        psnr_db.append(-10 * float((codec.decompress(bits) - x).square().mean().log10()))
    assert np.mean(bpp) == pytest.approx(point["bpp"], rel=1e-3)
    assert np.mean(psnr_db) == pytest.approx(point["psnr"], abs=dB)
