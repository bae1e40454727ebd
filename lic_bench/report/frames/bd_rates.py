"""Curves out of points, and the BD-rate of each against an anchor over the same images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

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
    candidates = [(anchor, anchor.curves(points, metric)) for anchor in anchors]
    groups = points_of_metric(points, metric).groupby(["curve", "dataset"], sort=False)
    rows = [_first_comparable(group, candidates, metric, windows or {}) for _, group in groups]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype(dict.fromkeys((*METHODS, "overlap", "low", "high", "loo_low", "loo_high"), float))


def _first_comparable(
    group: pd.DataFrame,
    candidates: Sequence[tuple[Anchor, pd.DataFrame]],
    metric: str,
    windows: Mapping[str, QualityWindow],
) -> dict[str, Any]:
    dataset = group.dataset.iloc[0]
    window = windows.get(dataset)
    rows = [_bd_row(group, points[points.dataset == dataset], anchor, metric, window) for anchor, points in candidates]
    return next((row for row in rows if not row["reason"]), rows[0])


def _bd_row(
    group: pd.DataFrame, anchors: pd.DataFrame, anchor: Anchor, metric: str, window: QualityWindow | None
) -> dict[str, Any]:
    whole = group[~group.narrowed]
    row: dict[str, Any] = {name: group.iloc[0][name] for name in COLUMNS[:8]}
    row |= {"metric": metric, "anchor": codec_label(anchor.slug(metric)), "reason": ""}
    row |= {"anchor_note": "", "images_note": "", "n_points": int(whole.complete.sum())}
    row |= {"left_out": _left_out(whole[~whole.complete])}
    try:
        kept, chosen = _comparable_points(group, anchors, anchor, metric)
        left_out = _left_out(whole[~whole.quality.isin(kept.quality)]) if len(kept) else row["left_out"]
        row |= {f"anchor_{name}": chosen[name].iloc[0] for name in ("codec", "curve")}
        row |= {"anchor": chosen.label.iloc[0], "anchor_note": anchor_note(kept.iloc[0], chosen.iloc[0])}
        row |= {"image_set": kept.image_set.iloc[0]}
        if kept.provenance.iloc[0] == chosen.provenance.iloc[0] == "measured":
            row["images_note"] = kept.common_note.iloc[0]
        reference, _ = _monotone_curve(chosen, metric)
        curve, dropped = _monotone_curve(kept, metric)
        row |= {"n_points": len(curve), "left_out": "; ".join(filter(None, (left_out, dropped)))}
        row |= bd_numbers(reference, curve, window.ends() if window else None, metric)
    except UserError as error:
        row["reason"] = str(error)
    return row


def _left_out(points: pd.DataFrame) -> str:
    """Names the qualities that enter no curve because images failed or are missing; "" if there are none."""
    if points.empty or points.provenance.iloc[0] != "measured":
        return ""
    names = ", ".join(f"{quality:g}" for quality in points.quality.sort_values())
    return f"Quality {names} left out: only {points.n_images.min():.0f} of the images were coded"


def _comparable_points(
    group: pd.DataFrame, anchors: pd.DataFrame, anchor: Anchor, metric: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The points of the curve and of the anchor over the same images, the anchor's preferably of the same run.

    Two measured curves are compared over the images that all measured ones have; where one of the two is published, it
    must be over all images of the data set. Raises UserError if there are no such points.
    """
    first = group.iloc[0]
    complete, name = group[group.complete], codec_label(anchor.slug(metric))
    if complete.empty:
        raise UserError("No quality has all images.")
    if anchors.empty:
        raise UserError(
            f"{name} has no {metric_label(metric)} curve on {dataset_label(first.dataset)}; choose another anchor."
        )
    for provenance in anchors.provenance.unique():
        both_measured = provenance == first.provenance == "measured"
        own, theirs = (
            _over(points, common=both_measured) for points in (complete, anchors[anchors.provenance == provenance])
        )
        same = theirs[theirs.image_set.isin(own.image_set)]
        if len(same):
            chosen = same[same.run == first.run] if (same.run == first.run).any() else same
            return own, chosen[chosen.curve == chosen.curve.iloc[0]]
    raise UserError(_why_not(complete, anchors, name))


def _over(points: pd.DataFrame, *, common: bool) -> pd.DataFrame:
    """Those over the common images, or over the curve's own."""
    return points[points.image_set == points.common_set] if common else points[~points.narrowed]


def _why_not(complete: pd.DataFrame, anchors: pd.DataFrame, name: str) -> str:
    """Why no points are over the same images."""
    first, whole = complete.iloc[0], anchors[~anchors.narrowed]
    if first.common_set == "":
        return str(first.common_note)
    known = "; ".join(dict.fromkeys(_images_text(point) for point in whole.itertuples()))
    others = ", of other pixels or sizes" if whole.n_images.eq(first.n_images).any() else ""
    missing = f" {first.common_note}" if first.narrowed else ""
    return f"Not comparable: {name} is known over {known}; this curve is over {_images_text(first)}{others}.{missing}"


def _images_text(point: Any) -> str:
    if point.image_set == point.dataset:
        return f"the {point.n_images:.0f} whole images of {dataset_label(point.dataset)}"
    return images_label(point.image_set)


def _monotone_curve(points: pd.DataFrame, metric: str) -> tuple[RDCurve, str]:
    """The curve, and a sentence on the points that were left out of it."""
    first, sign = points.iloc[0], metric_sign(metric)
    curve, dropped = monotone(f"{first.label} on {first.dataset}", points.bpp, sign * points[metric])
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


def bd_rate_of(bd: pd.DataFrame, curve: str, dataset: str, method: Method) -> float | None:
    """The BD-rate of one curve on one data set; None if it has none."""
    rows = bd[(bd.curve == curve) & (bd.dataset == dataset)]
    return None if rows.empty or pd.isna(rows[method].iloc[0]) else float(rows[method].iloc[0])
