"""The libraries behind Pillow's formats, asked of the libraries that are installed."""

import re

import pytest
from PIL import features

from lic_bench.codecs.image_library_versions import library_version, library_versions


@pytest.mark.parametrize(
    ("file_format", "feature", "said"),
    [("JPEG2000", "jpg_2000", r"OpenJPEG \d+\.\d+"), ("WEBP", "webp", r"libwebp \d+\.\d+")],
)
def test_a_library_is_named_with_its_version(file_format: str, feature: str, said: str) -> None:
    told = str(library_version(file_format))
    assert re.match(said, told)
    assert told.endswith(f" {features.version(feature)}")


def test_jpeg_is_by_turbo_where_that_is_there() -> None:
    turbo = features.version("libjpeg_turbo")
    assert library_version("JPEG") == (f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}")


def test_avif_names_the_coders_inside() -> None:
    told = str(library_version("AVIF"))
    assert told.startswith(f"libavif {features.version('avif')}")
    assert re.search(r"aom \[enc", told)


def test_jpeg_xl_is_by_its_package() -> None:
    assert re.fullmatch(r"pillow-jxl-plugin \d+(\.\d+)*.*", str(library_version("JXL")))


def test_all_of_them_and_no_other() -> None:
    assert library_versions() == {name: library_version(name) for name in ("JPEG", "JPEG2000", "WEBP", "AVIF", "JXL")}
    with pytest.raises(KeyError):
        library_version("GIF")
