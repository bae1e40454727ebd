"""Writing a figure in the formats of all figures."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")


def write_figure(figure: Figure, stem: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write STEM.svg and the like, inside of matplotlib.rc_context(RC_PARAMS). The same figure gives the same files."""
    lay_out(figure)
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in formats]
    for path in paths:
        dateless = {"Date": None} if path.suffix == ".svg" else {"CreationDate": None} if path.suffix == ".pdf" else {}
        figure.savefig(path, metadata=dateless)
    return paths


def lay_out(figure: Figure) -> None:
    """Place everything once for all formats, at the resolution of the files, on which the widths of letters depend.

    Making the layout again for each format takes seconds; with None, unlike "none", savefig does not even try.
    """
    figure.set_dpi(matplotlib.rcParams["savefig.dpi"])
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine(None)
