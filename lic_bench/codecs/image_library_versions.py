"""The versions of the libraries behind Pillow's image formats: as much as the settings they decide the bytes."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from PIL import features

JPEG_XL = "pillow-jxl-plugin"  # has libjxl built in and does not tell its version
# Pillow's format -> libraries and Pillow's names for them, of which the first that is there does the coding.
_LIBRARIES = {
    "JPEG": (("libjpeg-turbo", "libjpeg_turbo"), ("libjpeg", "jpg")),
    "JPEG2000": (("OpenJPEG", "jpg_2000"),),
    "WEBP": (("libwebp", "webp"),),
    "AVIF": (("libavif", "avif"),),
}


def library_versions() -> dict[str, str | None]:
    """The `library_version` of every Pillow format that a codec here may use."""
    return {name: library_version(name) for name in (*_LIBRARIES, "JXL")}


def library_version(file_format: str) -> str | None:
    """The library that codes this format, as "libwebp 1.6.0", and for AVIF the AV1 coders in it; None if unknown.

    Raises KeyError for a format that no codec here uses.
    """
    if file_format == "JXL":
        return _installed(JPEG_XL)
    versions = ((name, features.version(feature)) for name, feature in _LIBRARIES[file_format])
    library = next((f"{name} {number}" for name, number in versions if number), None)
    coders = _av1_coders() if library and file_format == "AVIF" else ""
    return f"{library} ({coders})" if coders else library


def _av1_coders() -> str:
    """The AV1 coders in libavif's words, as "dav1d [dec]:1.5.1, aom [enc]:3.12.1"."""
    codec_versions = getattr(import_module("PIL._avif"), "codec_versions", None)
    return str(codec_versions()) if codec_versions else ""


def _installed(package: str) -> str | None:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None
