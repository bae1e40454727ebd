"""The versions of the libraries behind Pillow's image formats, which decide the bytes as much as the settings do."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from PIL import features

JPEG_XL = "pillow-jxl-plugin"  # has libjxl built in and tells no version of it
# Pillow's format -> the library's name and what Pillow calls it; of several, the first that is there counts.
_LIBRARIES = {
    "JPEG": (("libjpeg-turbo", "libjpeg_turbo"), ("libjpeg", "jpg")),
    "JPEG2000": (("OpenJPEG", "jpg_2000"),),
    "WEBP": (("libwebp", "webp"),),
    "AVIF": (("libavif", "avif"),),
}


def library_versions() -> dict[str, str | None]:
    """Pillow's format -> `library_version`, of every format that a codec here may use."""
    return {name: library_version(name) for name in (*_LIBRARIES, "JXL")}


def library_version(file_format: str) -> str | None:
    """What codes this format, such as "libwebp 1.6.0"; None where nothing does or nothing is told.

    AVIF also names the AV1 coders inside. A format that no codec here uses is a KeyError.
    """
    if file_format == "JXL":
        return _installed(JPEG_XL)
    told = ((name, features.version(feature)) for name, feature in _LIBRARIES[file_format])
    found = next((f"{name} {number}" for name, number in told if number), None)
    inside = _av1_coders() if found and file_format == "AVIF" else ""
    return f"{found} ({inside})" if inside else found


def _av1_coders() -> str:
    """ "dav1d [dec]:1.5.1, aom [enc]:3.12.1" in libavif's words."""
    told = getattr(import_module("PIL._avif"), "codec_versions", None)
    return str(told()) if told else ""


def _installed(package: str) -> str | None:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None
