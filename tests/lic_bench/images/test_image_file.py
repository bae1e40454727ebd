"""Reading an image: exact pixels of 8-bit RGB, one line for everything else."""

import contextlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

from lic_bench.errors import UserError
from lic_bench.images.image_file import image_of_file, read_image

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def png(width: int, height: int, depth: int, colour: int, data: bytes) -> bytes:
    """A PNG file by hand, for what Pillow does not write. data: as it is stored, the rows packed."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def read(path: Path) -> np.ndarray:
    return read_image(image_of_file(path, path.name))


@pytest.mark.parametrize("suffix", ["png", "ppm", "bmp", "tif"])
def test_pixels_are_read_as_stored(tmp_path, suffix):
    pil.fromarray(RGB).save(tmp_path / f"a.{suffix}")
    pixels = read(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(pixels, RGB)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable


def test_one_pixel_is_an_image(tmp_path):
    pil.fromarray(RGB[:1, :1]).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("L", "greyscale"),
        ("LA", "greyscale with alpha"),
        ("RGBA", "RGB with alpha"),
        ("P", "a palette image"),
        ("1", "black and white"),
        ("I;16", "16-bit greyscale"),
    ],
)
def test_other_kinds_are_refused_with_the_option_that_converts(tmp_path, mode, said):
    picture = pil.new("I;16", (7, 5)) if mode == "I;16" else pil.fromarray(RGB).convert(mode)
    picture.save(tmp_path / "a.png")
    with pytest.raises(UserError) as error:
        read(tmp_path / "a.png")
    assert str(error.value).endswith(
        f"a.png is {said} (Pillow mode {mode}); allowed is 8-bit RGB: --convert makes it that."
    )


def test_cmyk_is_refused(tmp_path):
    pil.fromarray(RGB).convert("CMYK").save(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="is CMYK"):
        read(tmp_path / "a.jpg")


def test_a_program_is_never_run_to_read_a_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(UserError, match="no image of a format that is read"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("rows", [1, 2.5, 4])
def test_a_png_that_lacks_rows_is_found_though_its_checksums_are_right(tmp_path, rows):
    height, width, _ = RGB.shape
    data = b"".join(bytes([0, *row.ravel()]) for row in RGB)
    (tmp_path / "a.png").write_bytes(png(width, height, 8, 2, zlib.compress(data)))
    assert image_of_file(tmp_path / "a.png", "a").problem is None
    (tmp_path / "a.png").write_bytes(png(width, height, 8, 2, zlib.compress(data[: int(rows * (1 + 3 * width))])))
    assert ("lacks a part of" if rows != 2.5 else "truncated") in image_of_file(tmp_path / "a.png", "a").problem


def test_a_png_whose_data_are_none_is_found_before_it_is_measured(tmp_path):
    (tmp_path / "a.png").write_bytes(png(7, 5, 8, 2, b"x" * 40))
    assert "cannot be decoded" in image_of_file(tmp_path / "a.png", "a").problem


def test_an_interlaced_png_is_whole(tmp_path):
    pil.fromarray(RGB).save(tmp_path / "a.png", interlace=1)
    assert image_of_file(tmp_path / "a.png", "a").problem is None


def test_a_damaged_png_is_found(tmp_path):
    pil.fromarray(RGB).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    assert image_of_file(tmp_path / "a.png", "a").problem is None
    for damaged in (whole[:-20], whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]):
        (tmp_path / "a.png").write_bytes(damaged)
        assert "cannot be decoded" in image_of_file(tmp_path / "a.png", "a").problem


def test_sixteen_bits_per_channel_are_refused_not_cut_off(tmp_path):
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 2, zlib.compress(bytes([0]) + bytes(12))))
    (tmp_path / "b.ppm").write_bytes(b"P6 1 1 65535\n" + bytes(6))
    for name in ("a.png", "b.ppm"):
        with pytest.raises(UserError, match=r"16 bits per channel; .*--convert"):
            read(tmp_path / name)


def test_animations_are_refused(tmp_path):
    frames = [pil.fromarray(RGB), pil.fromarray(255 - RGB)]
    for name in ("a.png", "a.webp", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(UserError, match="2 frames"):
            read(tmp_path / name)


@pytest.mark.parametrize("kept", [0, 4, 30, 100, 3000])
def test_truncated_files_are_refused_in_one_line(tmp_path, kept):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("a.png", "a.jpg", "a.bmp", "a.tif", "a.ppm", "a.webp"):
        path = tmp_path / name
        pil.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(UserError) as error:
            read(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_damaged_bytes_never_raise_anything_else(tmp_path):
    path = tmp_path / "a.png"
    pil.fromarray(RGB).save(path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with contextlib.suppress(UserError):
            read(path)


def test_zero_sized_missing_and_huge_images_are_refused(tmp_path):
    (tmp_path / "zero.png").write_bytes(png(0, 0, 8, 2, b""))
    (tmp_path / "huge.png").write_bytes(png(60000, 60000, 8, 2, b"\0"))
    for name, message in (("zero", "zero.png"), ("huge", "178 million pixels"), ("gone", "No such file")):
        with pytest.raises(UserError, match=message):
            read(tmp_path / f"{name}.png")
