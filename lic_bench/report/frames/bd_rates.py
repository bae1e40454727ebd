"""Curves out of points, and the BD-rate of each against an anchor over the same images."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self, TypeAlias

import pandas as pd

from lic_bench.defaults import ANCHOR
from lic_bench.errors import UserError, unknown
from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.bd_rate import (
    METHODS,
    MIN_POINTS,
    Method,
    RDCurve,
    Window,
    bd_rate,
    leave_one_out,
    monotone,
)
from lic_bench.report.frames.anchor_notes import anchor_note
from lic_bench.report.frames.quality_windows import QualityWindow
from lic_bench.report.labels import (
    METRIC_NAMES,
    codec_label,
    dataset_label,
    images_label,
    metric_label,
    metric_sign,
    metric_value,
)

SOURCES = ("measured", "published", "imported")
# Table 4's anchor is the LALIC authors' own VTM run, not the one behind Table 1 (results/published/README.md).
METRIC_ANCHORS = {("ms_ssim_db", ANCHOR): "vtm-9.1-lalic"}
Point: TypeAlias = Mapping[str, Any]  # a row of frames.rd_points
COLUMNS = [
    *("curve", "provenance", "run", "codec", "label", "device", "dataset", "image_set"),
    *("metric", "anchor", "anchor_codec", "anchor_curve", "anchor_note", "images_note", *METHODS),
    *("overlap", "low", "high", "loo_low", "loo_high", "n_points", "left_out", "reason"),
]


@dataclass(frozen=True, slots=True)
class Anchor:
    """The codec that BD-rates refer to. If it is both measured and published, `measured_first` decides."""

    codec: str
    measured_first: bool
    only: str | None = None  # one of SOURCES, where the user said so

    @classmethod
    def parse_all(cls, text: str) -> list[Self]:
        """The anchors of a comma-separated list, in order of preference."""
        anchors = [cls.parse(part.strip()) for part in text.split(",") if part.strip()]
        if not anchors:
            raise UserError("--anchor is empty; give a codec, such as vtm-9.1 or vtm-9.1,jpeg.")
        return anchors

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "name", or "measured:name" and the like. The paper's anchor by itself means the published curve.

        The name may itself hold colons: "package.module:factory".
        """
        source, colon, codec = text.partition(":")
        if source in SOURCES:
            return cls(codec, codec != ANCHOR, source)
        if colon and get_close_matches(source, SOURCES):
            raise unknown("source of the anchor", source, SOURCES)
        return cls(text, text != ANCHOR)

    def slug(self, metric: str) -> str:
        """The published slug for this metric."""
        return METRIC_ANCHORS.get((metric, self.codec), self.codec)

    def curves(self, points: pd.DataFrame, metric: str) -> pd.DataFrame:
        """The anchor's points for this metric, the preferred source first."""
        wanted = {"measured": self.codec, "published": self.slug(metric), "imported": self.codec}
        own = points[points.codec.eq(points.provenance.map(wanted)) & points[metric].notna() & points.complete]
        if self.only:
            own = own[own.provenance == self.only]
        order = SOURCES if self.measured_first else ("published", "measured", "imported")
        return own.sort_values("provenance", key=lambda column: column.map(order.index), kind="stable")


def anchor_slugs(anchor: Anchor, codecs: Iterable[str], imported: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """metric -> the published slugs of the anchor.

    Raises UserError if it is not published, nor among the measured `codecs` or the imported ones.
    """
    known = {entry.slug for entry in published.list_published()}
    names = {"measured": set(codecs), "imported": set(imported)}
    possible = names.get(anchor.only or "", known.union(*names.values()))
    if anchor.codec not in possible:
        raise unknown("anchor", anchor.codec, possible)
    usable = known if anchor.only not in names else set()
    return {metric: tuple({anchor.slug(metric)} & usable) for metric in METRIC_NAMES}


def points_of_metric(points: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The points with a rate and this metric, of codecs that were not trained for another one."""
    other = "ms-ssim" if metric == "psnr_db" else None
    return points[points.bpp.notna() & points[metric].notna() & (points.metric_optimised_for != other)]


def bd_frame(
    points: pd.DataFrame, anchors: Sequence[Anchor], metric: str, windows: Mapping[str, QualityWindow] | None = None
) -> pd.DataFrame:
    """One row per curve and data set, columns COLUMNS: BD-rate [percent] by each method, or the reason for none.

    anchors: the first comparable one is used; if there is none, the reason is that of the first.
    windows: by data set, what the BD-rates are over; None: the common interval of each pair of curves.
    overlap: 0..1. low, high: that interval. loo_low, loo_high: the leave-one-point-out span of pchip.
    """
    candidates = [(anchor, grouped_points(anchor.curves(points, metric), "dataset")) for anchor in anchors]
    curves = grouped_points(points_of_metric(points, metric), "curve", "dataset")
    rows = [_first_comparable(curve, candidates, metric, windows or {}) for curve in curves.values()]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype(dict.fromkeys((*METHODS, "overlap", "low", "high", "loo_low", "loo_high"), float))


def grouped_points(points: pd.DataFrame, *by: str) -> dict[tuple[str, ...], list[Point]]:
    """The points that agree in these columns, in order of the first of each."""
    found: defaultdict[tuple[str, ...], list[Point]] = defaultdict(list)
    for point in points.to_dict("records"):
        found[tuple(point[name] for name in by)].append({str(name): value for name, value in point.items()})
    return found


def _first_comparable(
    curve: Sequence[Point],
    candidates: Sequence[tuple[Anchor, Mapping[tuple[str, ...], Sequence[Point]]]],
    metric: str,
    windows: Mapping[str, QualityWindow],
) -> dict[str, Any]:
    dataset = curve[0]["dataset"]
    window = windows.get(dataset)
    rows = [_bd_row(curve, points.get((dataset,), ()), anchor, metric, window) for anchor, points in candidates]
    return next((row for row in rows if not row["reason"]), rows[0])


def _bd_row(
    curve: Sequence[Point], anchors: Sequence[Point], anchor: Anchor, metric: str, window: QualityWindow | None
) -> dict[str, Any]:
    whole = [point for point in curve if not point["narrowed"]]
    row: dict[str, Any] = {name: curve[0][name] for name in COLUMNS[:8]}
    row |= {"metric": metric, "anchor": codec_label(anchor.slug(metric)), "reason": ""}
    row |= {"anchor_note": "", "images_note": "", "n_points": sum(point["complete"] for point in whole)}
    row |= {"left_out": _left_out([point for point in whole if not point["complete"]])}
    try:
        kept, chosen = _comparable_points(curve, anchors, anchor, metric)
        qualities = {point["quality"] for point in kept}
        left_out = _left_out([point for point in whole if point["quality"] not in qualities])
        row |= {f"anchor_{name}": chosen[0][name] for name in ("codec", "curve")}
        row |= {"anchor": chosen[0]["label"], "anchor_note": anchor_note(kept[0], chosen[0])}
        row |= {"image_set": kept[0]["image_set"]}
        if kept[0]["provenance"] == chosen[0]["provenance"] == "measured":
            row["images_note"] = kept[0]["common_note"]
        reference, _ = _monotone_curve(chosen, metric)
        test, dropped = _monotone_curve(kept, metric)
        row |= {"n_points": len(test), "left_out": "; ".join(filter(None, (left_out, dropped)))}
        row |= bd_numbers(reference, test, window.ends() if window else None, metric)
    except UserError as error:
        row["reason"] = str(error)
    return row


def _left_out(points: Sequence[Point]) -> str:
    """Names the qualities that enter no curve because images failed or are missing; "" if there are none."""
    if not points or points[0]["provenance"] != "measured":
        return ""
    names = ", ".join(f"{quality:g}" for quality in sorted(point["quality"] for point in points))
    fewest = min(point["n_images"] for point in points)
    return f"Quality {names} left out: only {fewest:.0f} of the images were coded"


def _comparable_points(
    curve: Sequence[Point], anchors: Sequence[Point], anchor: Anchor, metric: str
) -> tuple[Sequence[Point], Sequence[Point]]:
    """The points of the curve and of the anchor over the same images, the anchor's preferably of the same run.

    Two measured curves are compared over the images that all measured ones have; where one of the two is published, it
    must be over all images of the data set. Raises UserError if there are no such points.
    """
    first = curve[0]
    complete, name = [point for point in curve if point["complete"]], codec_label(anchor.slug(metric))
    if not complete:
        raise UserError("No quality has all images.")
    if not anchors:
        raise UserError(
            f"{name} has no {metric_label(metric)} curve on {dataset_label(first['dataset'])}; choose another anchor."
        )
    for provenance in dict.fromkeys(point["provenance"] for point in anchors):
        common = provenance == first["provenance"] == "measured"
        own = _over(complete, common=common)
        theirs = _over([point for point in anchors if point["provenance"] == provenance], common=common)
        sets = {point["image_set"] for point in own}
        same = [point for point in theirs if point["image_set"] in sets]
        if same:
            chosen = [point for point in same if point["run"] == first["run"]] or same
            return own, [point for point in chosen if point["curve"] == chosen[0]["curve"]]
    raise UserError(_why_not(complete, anchors, name))


def _over(points: Sequence[Point], *, common: bool) -> Sequence[Point]:
    """Those over the common images, or over the curve's own."""
    return [p for p in points if (p["image_set"] == p["common_set"] if common else not p["narrowed"])]


def _why_not(complete: Sequence[Point], anchors: Sequence[Point], name: str) -> str:
    """Why no points are over the same images."""
    first, whole = complete[0], [point for point in anchors if not point["narrowed"]]
    if first["common_set"] == "":
        return str(first["common_note"])
    known = "; ".join(dict.fromkeys(map(_images_text, whole)))
    others = ", of other pixels or sizes" if any(p["n_images"] == first["n_images"] for p in whole) else ""
    missing = f" {first['common_note']}" if first["narrowed"] else ""
    return f"Not comparable: {name} is known over {known}; this curve is over {_images_text(first)}{others}.{missing}"


def _images_text(point: Point) -> str:
    if point["image_set"] == point["dataset"]:
        return f"the {point['n_images']:.0f} whole images of {dataset_label(point['dataset'])}"
    return images_label(point["image_set"])


def _monotone_curve(points: Sequence[Point], metric: str) -> tuple[RDCurve, str]:
    """The curve, and a sentence on the points that were left out of it."""
    first, sign = points[0], metric_sign(metric)
    rates, qualities = [point["bpp"] for point in points], [sign * point[metric] for point in points]
    curve, dropped = monotone(f"{first['label']} on {first['dataset']}", rates, qualities)
    points_text = ", ".join(f"{metric_value(metric, sign * quality)} at {rate:.3f} bpp" for rate, quality in dropped)
    return curve, f"Left out, as a point that costs no more is as good: {points_text}" if points_text else ""


def bd_numbers(
    reference: RDCurve, curve: RDCurve, window: Window | None = None, metric: str = "psnr_db"
) -> dict[str, Any]:
    """The columns METHODS, overlap, low, high, loo_low and loo_high of `bd_frame`; those that cannot be had missing."""
    methods = [method for method in METHODS if min(len(reference), len(curve)) >= MIN_POINTS[method]]
    results = {method: bd_rate(reference, curve, method, window) for method in methods}
    row: dict[str, Any] = {method: result.value for method, result in results.items()}
    row["overlap"] = results["pchip"].overlap
    row["low"], row["high"] = sorted(metric_sign(metric) * end for end in (results["pchip"].low, results["pchip"].high))
    span = leave_one_out(reference, curve, window=window)
    return row | ({"loo_low": span[0], "loo_high": span[1]} if span else {})


def bd_rates_by_curve(bd: pd.DataFrame, dataset: str, method: Method) -> dict[str, float]:
    """Curve -> its BD-rate on one data set, of those that have one; each curve is in `bd` once."""
    rows = bd[(bd.dataset == dataset) & bd[method].notna()]
    return dict(zip(rows.curve, rows[method].tolist(), strict=True))


def bd_rate_of(bd: pd.DataFrame, curve: str, dataset: str, method: Method) -> float | None:
    """The BD-rate of one curve on one data set; None if it has none."""
    rows = bd[(bd.curve == curve) & (bd.dataset == dataset)]
    return None if rows.empty or pd.isna(rows[method].iloc[0]) else float(rows[method].iloc[0])
