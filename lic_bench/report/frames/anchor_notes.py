"""Notes on anchors that were not made together with the curve: who made them, by which colour path."""

from collections.abc import Mapping
from typing import Any

from lic_bench.report.frames.image_sets import pixels_are_known
from lic_bench.report.labels import codec_label
from lic_bench.store.records import ELSEWHERE

# How the published anchors that people mean by "VTM-9.1" were made: vtm/README.md, results/published/README.md, and the
# supplementary of the LALIC paper for the authors' runs.
PUBLISHED_ANCHORS: Mapping[tuple[str, str], str] = {
    ("vtm-9.1", "kodak"): "8-bit YCbCr 4:4:4, cut where rounding is due, PSNR against the encoder's input",
    ("vtm-9.1-lalic", "kodak"): "not the run behind the PSNR anchor, which is 1.5 % worse",
    ("vtm-9.1", "clic"): "8-bit YCbCr 4:4:4, the LALIC authors' run",
    ("vtm-9.1", "tecnick"): "8-bit YCbCr 4:4:4, the LALIC authors' run",
}

UNSEEN = "; only number and sizes of the images were checked, as the published ones' pixels are not known here"


def anchor_note(curve: Any, anchor: Any) -> str:
    """A sentence if the anchor was not made together with the curve, or not in its usual mode; else "".

    curve, anchor: a point of each, with the columns of frames.rd_points.
    """
    if anchor["provenance"] == "published":
        if curve["provenance"] == "published":
            return ""
        how = PUBLISHED_ANCHORS.get((anchor["codec"], anchor["dataset"]))
        made = f" ({how})" if how else ""
        unseen = "" if pixels_are_known(anchor["dataset"]) else UNSEEN
        different = _difference_text(curve, anchor)
        return f"Against {anchor['label']} as published{made}, not measured in this run{different}{unseen}."
    if anchor["provenance"] == "imported":
        return f"Against {anchor['label']} as imported ({anchor['run']}), not measured here: {anchor['source']}."
    if anchor["run"] == curve["run"]:
        unusual = anchor["label"] != codec_label(anchor["codec"]) and anchor["codec"] != curve["codec"]
        return f"Against {anchor['label']}, of the same run." if unusual else ""
    how = ", ".join(filter(None, (anchor["mode"], anchor["version"] and f"version {anchor['version']}")))
    made = f" ({how})" if how else ""
    done = "coded elsewhere" if anchor["device"] == ELSEWHERE else "measured"
    return f"Against {anchor['label']} as {done} in run {anchor['run']}{made}{_difference_text(curve, anchor)}."


def _difference_text(curve: Any, anchor: Any) -> str:
    """How the curve was made if anchor and curve are of one codec: what was published of it, or where they differ."""
    if curve["codec"] != anchor["codec"]:
        return ""
    if curve["provenance"] == "published":
        how = PUBLISHED_ANCHORS.get((curve["codec"], curve["dataset"]))
        return f"; this curve: {how}" if how else ""
    differing = [curve[name] for name in ("mode", "version") if curve[name] != anchor[name]]
    return f"; this curve: {', '.join(value or 'not said' for value in differing)}" if differing else ""
