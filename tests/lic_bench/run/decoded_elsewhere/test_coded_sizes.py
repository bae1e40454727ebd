from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.run.decoded_elsewhere.coded_sizes import Size, read_sizes, sizes_beside
from lic_bench.run.decoded_elsewhere.picture_names import Name

IMAGES = {"a": "a.png", "a.png": "a.png"}
KEY = Name("jpeg", 30, "a.png")


def sizes_of(folder: Path, text: str) -> dict[Name, Size]:
    (folder / "sizes.csv").write_text(text)
    return read_sizes(folder / "sizes.csv", IMAGES)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("codec,quality,image,bytes\njpeg,30,a,1200\n", Size(1200)),
        ("\ufeffimage, bytes,quality,note,codec\r\na.png,1200.0,30,x,jpeg\r\n\r\n", Size(1200)),
        ("codec,quality,image,bpp\njpeg,30,a,0.25\n", Size(None, 0.25)),
        ("codec,quality,image,bpp,bytes\njpeg,30,a,0.25,1200\n", Size(1200)),
    ],
)
def test_a_table_of_sizes(tmp_path: Path, text: str, size: Size) -> None:
    assert sizes_of(tmp_path, text) == {KEY: size}


def test_bits_per_pixel_become_whole_bytes() -> None:
    assert Size(None, 0.25).in_bytes(768 * 512) == 12288
    assert Size(None, 0.12345).in_bytes(100 * 100) == 154
    assert Size(77, 0.25).in_bytes(100) == 77


def test_an_image_that_is_no_original_keeps_its_name(tmp_path: Path) -> None:
    assert [*sizes_of(tmp_path, "codec,quality,image,bytes\njpeg,30,c,1\n")] == [Name("jpeg", 30, "c")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'codec'; it needs codec, quality, image, and bytes or bpp. It has: none"),
        ("codec,image,bytes\n", "no column 'quality'; .* It has: codec, image, bytes"),
        ("codec,quality,image,size\n", "no column 'bytes' or 'bpp'"),
        ("codec,quality,image,bytes\njpeg,q30,a,1\n", "line 2: quality = 'q30' is no whole number"),
        ("codec,quality,image,bytes\njpeg,30,a,1.5\n", "line 2: bytes = '1.5'; allowed is a whole number above 0"),
        ("codec,quality,image,bytes\njpeg,30,a,0\n", "bytes = '0'; allowed"),
        ("codec,quality,image,bpp\njpeg,30,a,nan\n", "bpp = 'nan'; allowed is a number above 0"),
        (
            "codec,quality,image,bytes\njpeg,30,a,1\njpeg,30,a.png,2\n",
            "line 3: jpeg quality 30 of a.png is there twice",
        ),
        ("codec,quality,image,bytes\njpeg,30,a\n", "line 2: 3 cells, the header has 4"),
    ],
)
def test_other_tables_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        sizes_of(tmp_path, text)


def test_a_file_that_is_no_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Cannot read .*nothing.csv: No such file"):
        read_sizes(tmp_path / "nothing.csv", IMAGES)
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="no CSV file in UTF-8"):
        read_sizes(tmp_path / "x.csv", IMAGES)


def test_sizes_of_bitstreams_beside_pictures(tmp_path: Path) -> None:
    for name, size in {
        "a.png": 90,
        "a.bin": 7,
        "a.txt": 5,
        "b.png": 90,
        "b.jxl": 3,
        "b.bin": 4,
        "c.png": 9,
        "d.jpg": 6,
    }.items():
        (tmp_path / name).write_bytes(bytes(size))
    pictures = {Name("x", 1, name): tmp_path / name for name in ("a.png", "b.png", "c.png", "d.jpg")}
    sizes, several = sizes_beside(pictures)
    assert sizes == {Name("x", 1, "a.png"): Size(7), Name("x", 1, "d.jpg"): Size(6)}
    assert several == {Name("x", 1, "b.png"): [tmp_path / "b.bin", tmp_path / "b.jxl"]}
