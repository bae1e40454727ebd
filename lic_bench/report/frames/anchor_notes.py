"""What sets the anchor of a BD-rate apart from the curve: who made it, and by which colour path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lic_bench.report.labels import codec_label

# How the published anchors that people mean by "VTM-9.1" were made: vtm/README.md, results/published/README.md, and the
# supplementary of the LALIC paper for the authors' runs.
PUBLISHED: Mapping[tuple[str, str], str] = {
    ("vtm-9.1", "kodak"): "8-bit YCbCr 4:4:4, cut where rounding is due, PSNR against the encoder's input",
    ("vtm-9.1-lalic", "kodak"): "not the run behind the PSNR anchor, which is 1.5 % worse",
    ("vtm-9.1", "clic"): "8-bit YCbCr 4:4:4, the LALIC authors' run",
    ("vtm-9.1", "tecnick"): "8-bit YCbCr 4:4:4, the LALIC authors' run",
}


def anchor_note(curve: Any, anchor: Any) -> str:
    """One sentence on an anchor that was not made together with the curve, or not by its usual mode; else "".

    curve, anchor: a point of each, with the columns of report.points.
    """
    if anchor.provenance == "published":
        if curve.provenance == "published":
            return ""
        how = PUBLISHED.get((anchor.codec, anchor.dataset))
        made = f" ({how})" if how else ""
        return f"Against {anchor.label} as published{made}, not measured in this run{_contrast(curve, anchor)}."
    if anchor.run == curve.run:
        unusual = anchor.label != codec_label(anchor.codec) and anchor.codec != curve.codec
        return f"Against {anchor.label}, of the same run." if unusual else ""
    how = ", ".join(filter(None, (anchor["mode"], anchor.version and f"version {anchor.version}")))
    return (
        f"Against {anchor.label} as measured in run {anchor.run}{f' ({how})' if how else ''}{_contrast(curve, anchor)}."
    )


def _contrast(curve: Any, anchor: Any) -> str:
    """Where the same codec stands on both sides: what differs."""
    if curve.codec != anchor.codec:
        return ""
    differing = [curve[name] for name in ("mode", "version") if curve[name] != anchor[name]]
    return f"; this curve: {', '.join(value or 'not said' for value in differing)}" if differing else ""
