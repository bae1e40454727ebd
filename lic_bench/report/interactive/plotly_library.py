"""The library that draws the interactive figures, out of the Python package `plotly`, packed for the page.

Plotly because it is maintained, comes as one file with a package that pip knows, and has what rate-distortion curves
need: hovering, zooming, logarithmic axes, markers as in the static figures. Packed it is 1.5 MB instead of 4.8.
"""

import gzip
from base64 import b64encode
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution


@dataclass(frozen=True, slots=True)
class Library:
    """packed: the script, gzip in base64; browsers unpack it by DecompressionStream."""

    version: str
    packed: str


def plotly_library() -> Library | None:
    """plotly.js as the installed package has it; None where that is not installed."""
    try:
        package = distribution("plotly")
        script = package.locate_file("plotly/package_data/plotly.min.js")
        with open(str(script), "rb") as file:  # noqa: PTH123  # locate_file promises no Path
            contents = file.read()
    except (PackageNotFoundError, OSError):
        return None
    return Library(package.version, b64encode(gzip.compress(contents, mtime=0)).decode())
