"""Pictures of other kinds become 8-bit RGB by the stated rules, to the level."""

import pickle
import struct
import zlib
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image as pil
from PIL import ImageCms

from lic_bench.errors import UserError
from lic_bench.images.conversion import over_white, to_eight_bits
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image, image_of_file, picture_size, pixels_sha256, read_image, read_pixels
from lic_bench.images.oddity import RULES
from lic_bench.images.picture_file import PictureError

ROOT = Path(__file__).parents[3]
DRAWN = np.random.default_rng(0)
RGB = DRAWN.integers(0, 256, (5, 7, 3), dtype=np.uint8)
DEEP = DRAWN.integers(0, 65536, (5, 7, 4), dtype=np.uint16)
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> as a PNG counts


def rounded(value: Fraction) -> int:
    """To the nearest; there must be one."""
    low = value.numerator // value.denominator
    assert value - low != Fraction(1, 2)
    return low + (value - low > Fraction(1, 2))


def write_deep_png(path: Path, samples: NDArray[np.uint16]) -> None:
    """samples: [H, W, channels]. By hand, as Pillow writes no 16-bit colours."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, channels = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def converted(path: Path) -> Image:
    """The image, which must not be usable without --convert, with it."""
    assert image_of_file(path, path.name).problem
    image = image_of_file(path, path.name, convert=True)
    assert image.problem is None
    assert image.sha256 == pixels_sha256(read_image(image))
    assert (image.height, image.width) == read_image(image).shape[:2]
    return image


def expected_rgb(samples: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """What 16-bit samples [H, W, 1 to 4] must become, by fractions."""
    eight = np.vectorize(lambda v: rounded(Fraction(int(v), 257)), otypes=[int])(samples)
    colours = np.repeat(eight[..., :1], 3, axis=-1) if samples.shape[-1] < 3 else eight[..., :3]
    if samples.shape[-1] in (1, 3):
        return colours.astype(np.uint8)
    alpha = eight[..., -1:].repeat(3, axis=-1)
    blend = np.vectorize(lambda c, a: rounded(Fraction(int(a * c + (255 - a) * 255), 255)), otypes=[int])
    return blend(colours, alpha).astype(np.uint8)


@given(arrays(np.uint16, st.integers(0, 30), elements=st.integers(0, 65535)))
def test_16_bits_are_rounded_to_the_nearest_level(samples: NDArray[np.uint16]) -> None:
    assert to_eight_bits(samples).tolist() == [rounded(Fraction(int(v), 257)) for v in samples]


def test_8_bits_written_as_16_come_back() -> None:
    levels = np.arange(256, dtype=np.uint16)
    np.testing.assert_array_equal(to_eight_bits(levels * 257), levels)


@given(st.integers(0, 255), st.integers(0, 255))
def test_alpha_over_white_is_rounded_to_the_nearest_level(colour: int, alpha: int) -> None:
    pixel = over_white(np.array([[[colour, 0, 255, alpha]]], np.uint8))[0, 0].tolist()
    assert pixel == [rounded(Fraction(alpha * c + (255 - alpha) * 255, 255)) for c in (colour, 0, 255)]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_pngs_of_every_colour_type(tmp_path: Path, channels: int) -> None:
    write_deep_png(tmp_path / "a.png", DEEP[..., :channels])
    np.testing.assert_array_equal(read_image(converted(tmp_path / "a.png")), expected_rgb(DEEP[..., :channels]))


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiffs_in_both_byte_orders(tmp_path: Path, order: str) -> None:
    samples = DEEP[..., :3].astype(f"{order}u2").tobytes()
    tags = [(256, 3, 1, 7), (257, 3, 1, 5), (258, 3, 3, 200), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 300)]
    tags += [(277, 3, 1, 3), (278, 3, 1, 5), (279, 4, 1, len(samples))]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8) + struct.pack(f"{order}H", len(tags))
    for tag, kind, count, value in tags:
        packed = struct.pack(f"{order}HH", value, 0) if kind == 3 and count == 1 else struct.pack(f"{order}I", value)
        head += struct.pack(f"{order}HHI", tag, kind, count) + packed
    data = (head + bytes(4)).ljust(200, b"\0") + struct.pack(f"{order}3H", 16, 16, 16)
    (tmp_path / "a.tif").write_bytes(data.ljust(300, b"\0") + samples)
    np.testing.assert_array_equal(read_image(converted(tmp_path / "a.tif")), expected_rgb(DEEP[..., :3]))


def test_16_bit_greyscale_of_other_formats(tmp_path: Path) -> None:
    pil.fromarray(DEEP[..., 0]).save(tmp_path / "a.tif")
    (tmp_path / "a.ppm").write_bytes(b"P5 7 5 65535\n" + DEEP[..., 0].astype(">u2").tobytes())
    for name in ("a.tif", "a.ppm"):
        np.testing.assert_array_equal(read_image(converted(tmp_path / name)), expected_rgb(DEEP[..., :1]))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("largest", [1, 2, 15, 254, 256, 1022, 1023, 4095, 65534, 65535])
def test_ppms_and_pgms_of_any_largest_value(tmp_path: Path, largest: int, bands: int, plain: bool) -> None:
    samples = DEEP[..., :bands] % (largest + 1)
    samples[:2, :, 0] = np.linspace(0, largest, 14).reshape(2, 7)
    kind = {1: 2, 3: 3}[bands] + (0 if plain else 3)
    text = b"# 9\n" + b"\n".join(b"%d # 9" % v for v in samples.ravel())
    data = text if plain else samples.astype("u1" if largest < 256 else ">u2").tobytes() + b"\n"
    (tmp_path / "a.ppm").write_bytes(b"P%d 7 5 %d\n" % (kind, largest) + data)
    image = converted(tmp_path / "a.ppm")
    expected = np.vectorize(lambda v: floor(Fraction(255 * int(v), largest) + Fraction(1, 2)))(samples)
    np.testing.assert_array_equal(read_image(image), np.broadcast_to(expected, (5, 7, 3)))
    assert image.oddity is not None
    says = RULES["16 bits" if largest == 65535 else "levels"]
    assert image.oddity.rules_text == (says if bands == 3 else f"{says}; {RULES['grey']}")


def test_halves_go_up(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P5 4 1 12\n" + bytes([2, 6, 10, 12]))  # 42.5, 127.5, 212.5, 255
    assert read_image(converted(tmp_path / "a.ppm"))[0, :, 0].tolist() == [43, 128, 213, 255]


def test_a_sample_above_the_largest_value_is_damage(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 1 1 15\n" + bytes([3, 16, 0]))
    problem = image_of_file(tmp_path / "a.ppm", "a", convert=True).problem or ""
    assert "a sample of 16, where the largest is said to be 15" in problem


def test_grey_palette_and_alpha_in_8_bits(tmp_path: Path) -> None:
    grey, alpha = RGB[..., 0], RGB[..., 2]
    pil.fromarray(grey).save(tmp_path / "grey.png")
    pil.fromarray(np.stack([grey, alpha], -1)).save(tmp_path / "grey-alpha.png")
    pil.fromarray(np.dstack([RGB, alpha])).save(tmp_path / "alpha.png")
    indices = RGB[..., 0] % 4
    palette = pil.fromarray(indices)
    palette.putpalette([9, 8, 7, 250, 0, 1, 40, 50, 60, 200, 100, 0])
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "palette-alpha.png", transparency=bytes([0, 255, 128, 255]))
    colours = np.array([[9, 8, 7], [250, 0, 1], [40, 50, 60], [200, 100, 0]], np.uint8)[indices]
    see_through = np.array([0, 255, 128, 255], np.uint8)[indices]
    white = {"grey": np.stack([grey] * 3, -1), "palette": colours, "alpha": over_white(np.dstack([RGB, alpha]))}
    white["grey-alpha"] = over_white(np.stack([grey, grey, grey, alpha], -1))
    white["palette-alpha"] = over_white(np.dstack([colours, see_through]))
    for name, expected in white.items():
        np.testing.assert_array_equal(read_image(converted(tmp_path / f"{name}.png")), expected, name)


def test_cmyk_becomes_what_pillow_makes_of_it_without_its_profile(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    inks = np.dstack([RGB, RGB[..., 0]])
    pil.frombytes("CMYK", (7, 5), inks.tobytes()).save(tmp_path / "a.tif", icc_profile=profile)
    image = converted(tmp_path / "a.tif")
    with pil.open(tmp_path / "a.tif") as picture:
        np.testing.assert_array_equal(read_image(image), np.array(picture.convert("RGB")))
    assert image.oddity is not None
    assert image.oddity.rules_text == f"{RULES['CMYK']}; {RULES['profile']}"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "jpg"])
def test_exif_orientation_counts_where_pictures_are_converted(tmp_path: Path, suffix: str, orientation: int) -> None:
    marked = np.zeros((16, 32, 3), np.uint8)
    marked[:8, :8] = 255  # what EXIF says of the stored rows and columns is seen by where this corner goes
    exif = pil.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    pil.fromarray(marked).save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    stored, turned = image_of_file(path, "a"), image_of_file(path, "a", convert=True)
    assert stored.problem is None
    assert turned.problem is None
    with pil.open(path) as picture:
        np.testing.assert_array_equal(read_image(stored), np.array(picture))
    assert turned.convert is (orientation > 1)
    assert (turned.sha256 == stored.sha256) is (orientation == 1)
    pixels = read_image(turned)
    assert pixels.shape[:2] == ((32, 16) if orientation > 4 else (16, 32)) == (turned.height, turned.width)
    assert picture_size(path, convert=True) == (turned.width, turned.height)
    right, bottom = orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
    corner = pixels[-4 if bottom else 3, -4 if right else 3]
    assert corner.min() > 200
    assert (pixels > 128).mean() == pytest.approx(1 / 8, abs=0.02)


def test_a_grey_picture_is_turned_too_and_both_rules_are_named(tmp_path: Path) -> None:
    exif = pil.Exif()
    exif[0x0112] = 6
    pil.fromarray(RGB[..., 0]).save(tmp_path / "a.png", exif=exif)
    image = converted(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(image)[..., 1], np.rot90(RGB[..., 0], -1))
    assert image.oddity is not None
    assert image.oddity.rules == ("grey", "orientation")


def test_the_documentation_has_every_rule_in_its_words() -> None:
    rows = [line.split("|") for line in (ROOT / "docs" / "commands.md").read_text().splitlines()]
    written = [row[2].strip() for row in rows if len(row) == 4]
    assert [rule for rule in written if rule in RULES.values()] == list(RULES.values())


def test_8_bit_rgb_stays_as_it_is(tmp_path: Path) -> None:
    pil.fromarray(RGB).save(tmp_path / "a.png")
    assert image_of_file(tmp_path / "a.png", "a", convert=True) == image_of_file(tmp_path / "a.png", "a")


def test_what_no_rule_is_for_stays_unusable(tmp_path: Path) -> None:
    pil.fromarray(RGB[..., 0].astype(np.float32)).save(tmp_path / "float.tif")
    pil.fromarray(RGB).save(tmp_path / "pages.tif", save_all=True, append_images=[pil.fromarray(RGB)])
    (tmp_path / "page.png").write_bytes(b"<html>")
    for name in ("float.tif", "pages.tif", "page.png"):
        image = image_of_file(tmp_path / name, name, convert=True)
        assert image.oddity is not None
        assert (image.oddity.rules, image.convert) == ((), False)
        assert image.problem is not None
        assert "--convert" not in image.problem
        with pytest.raises(UserError):
            read_pixels(tmp_path / name, convert=True)


def test_16_bits_with_0_for_white_are_refused_as_pillow_would_show_them_negative(tmp_path: Path) -> None:
    pil.fromarray(DEEP[..., 0]).save(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    black_is_0, white_is_0 = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 0))
    assert data.count(black_is_0) == 1
    (tmp_path / "a.tif").write_bytes(data.replace(black_is_0, white_is_0))
    assert "no rule says how" in (image_of_file(tmp_path / "a.tif", "a", convert=True).problem or "")


def test_a_damaged_grey_picture_is_said_to_be_damaged(tmp_path: Path) -> None:
    pil.fromarray(RGB[..., 0]).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:-20])
    for convert in (False, True):
        assert "cannot be decoded" in (image_of_file(tmp_path / "a.png", "a", convert=convert).problem or "")


def test_a_crop_is_of_the_converted_picture(tmp_path: Path) -> None:
    write_deep_png(tmp_path / "a.png", DEEP[..., :3])
    (image,) = find_dataset(str(tmp_path), crop=3, convert=True).images
    np.testing.assert_array_equal(read_image(image), expected_rgb(DEEP[..., :3])[1:4, 2:5])


def test_what_is_wrong_goes_from_one_process_to_another(tmp_path: Path) -> None:
    pil.fromarray(RGB[..., 0]).save(tmp_path / "a.png")
    with pytest.raises(PictureError) as raised:
        read_pixels(tmp_path / "a.png")
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.oddity) == (str(raised.value), raised.value.oddity)
