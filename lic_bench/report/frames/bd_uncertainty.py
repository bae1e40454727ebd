"""How sure the BD-rates on PSNR are: over images, points and interpolators; and BD-PSNR beside them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from lic_bench.errors import UserError
from lic_bench.rate_distortion.bd_rate import METHODS, RDCurve, Window, bd_psnr, monotone
from lic_bench.rate_distortion.image_bootstrap import difference, spread
from lic_bench.rate_distortion.rank_groups import rank_groups
from lic_bench.report.frames.bd_rates import Anchor, Point, bd_numbers, grouped_points
from lic_bench.report.frames.image_curves import CodecImages
from lic_bench.report.frames.quality_windows import QualityWindow

NUMBERS = [
    *("bd_rate", "low", "high", "mean", "mean_low", "mean_high", "median", "n_valued", "n_images"),
    *("loo_low", "loo_high", "methods_low", "methods_high", "bd_psnr_db", "group"),
]
UNCERTAINTY = [
    *("curve", "provenance", "run", "codec", "label", "device", "dataset", "image_set", "anchor", "anchor_curve"),
    *NUMBERS,
]


def uncertainty_frame(
    points: pd.DataFrame,
    bd: pd.DataFrame,
    pools: Iterable[Sequence[CodecImages]],
    anchors: Sequence[Anchor],
    windows: Mapping[str, QualityWindow],
) -> pd.DataFrame:
    """One row per curve and anchor on a data set, columns UNCERTAINTY; by pchip, on PSNR. bd: as of bd_frame.

    First the codecs of each pool with their images, against the measured one of `anchors`; if none of these is
    measured, against the pool's codec with the lowest BD-rate in bd. Then what else is in bd, known as means alone.
    low, high and mean_low, mean_high: the intervals of image_bootstrap, of n_images; mean, median: over the n_valued of
    them that have a BD-rate of their own. loo_*, methods_*: lowest and highest with a point left out, and by METHODS.
    group: of rank_groups in the pool. windows: by data set, for BD-rates over the means; {} for each pair's own.
    """
    bd = bd[(bd.metric == "psnr_db") & (bd.reason == "") & (bd.curve != bd.anchor_curve)]
    rows = [row for pool in pools for row in _pool_rows(pool, anchors, bd, windows)]
    told = {(row["curve"], row["dataset"], row["anchor_curve"]) for row in rows}
    others = [row for row in bd.itertuples() if (row.curve, row.dataset, row.anchor_curve) not in told]
    curves = grouped_points(points[points.complete], "curve", "dataset", "image_set") if others else {}
    rows += [_row_of_means(row, curves) for row in others]
    return pd.DataFrame(rows, columns=UNCERTAINTY).astype(dict.fromkeys(NUMBERS, float))


def _pool_rows(
    pool: Sequence[CodecImages], anchors: Sequence[Anchor], bd: pd.DataFrame, windows: Mapping[str, QualityWindow]
) -> Iterator[dict[str, Any]]:
    """Best first. A codec whose run has the anchor is compared with that one."""
    dataset = pool[0].key[3]
    chosen = _measured_anchors(pool, anchors, bd)
    try:
        window = windows[dataset].ends() if dataset in windows else None
    except UserError:
        return
    rows = []
    for codec in pool if chosen else ():
        anchor = next((other for other in chosen if other.key[0] == codec.key[0]), chosen[0])
        try:
            rows.append((codec, _columns(codec, anchor) | _over_images(anchor, codec, window)))
        except UserError:
            continue  # no quality in common; the table of BD-rates says so
    rows.sort(key=lambda pair: float(pair[1]["bd_rate"]))
    for (_, row), group in zip(rows, _groups([codec for codec, _ in rows], window), strict=True):
        yield row | {"group": group}


def _measured_anchors(
    pool: Sequence[CodecImages], anchors: Sequence[Anchor], bd: pd.DataFrame
) -> Sequence[CodecImages]:
    """The codecs of the pool that are the anchor, one per run at least; [] if nothing says which is to be it."""
    for anchor in anchors:
        own = [codec for codec in pool if codec.key[1] == anchor.codec]
        if own and anchor.only in (None, "measured"):
            return own
    rates = bd[bd.dataset == pool[0].key[3]].set_index("curve").pchip
    rated = [codec for codec in pool if codec.curve in rates.index]
    return [min(rated, key=lambda codec: float(rates[codec.curve]))] if rated else []


def _columns(codec: CodecImages, anchor: CodecImages) -> dict[str, Any]:
    run, name, device, dataset = codec.key
    known = {"curve": codec.curve, "provenance": "measured", "run": run, "codec": name, "label": codec.label}
    known |= {"device": device, "dataset": dataset, "image_set": codec.image_set}
    return known | {"anchor": anchor.label, "anchor_curve": anchor.curve}


def _over_images(anchor: CodecImages, codec: CodecImages, window: Window | None) -> dict[str, Any]:
    row: dict[str, Any] = {"n_images": len(codec.curves)}
    if codec is anchor:
        return row | {"bd_rate": 0.0}
    of = spread(anchor.curves, codec.curves, window)
    row |= {"mean": of.mean, "median": of.median, "n_valued": of.n_images}
    for names, ends in ((("low", "high"), of.of_means), (("mean_low", "mean_high"), of.of_mean)):
        row |= dict(zip(names, ends, strict=True)) if ends else {}
    return row | _of_curves(anchor.curves.mean, codec.curves.mean, window)


def _of_curves(anchor: RDCurve, curve: RDCurve, window: Window | None) -> dict[str, Any]:
    numbers = bd_numbers(anchor, curve, window)
    return _spans(numbers) | {"bd_psnr_db": _bd_psnr(anchor, curve)}


def _spans(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The columns out of those of bd_frame."""
    values = [numbers[method] for method in METHODS if pd.notna(numbers.get(method))]
    spans = {"methods_low": min(values), "methods_high": max(values)}
    return {"bd_rate": numbers["pchip"]} | spans | {name: numbers.get(name) for name in ("loo_low", "loo_high")}


def _bd_psnr(anchor: RDCurve, curve: RDCurve) -> float | None:
    try:
        return bd_psnr(anchor, curve)
    except UserError:
        return None  # no rate in common


def _groups(ordered: Sequence[CodecImages], window: Window | None) -> list[int | None]:
    """None where there are too few images to tell codecs apart."""

    @cache
    def is_better(one: CodecImages, other: CodecImages) -> bool:
        ends = difference(other.curves, one.curves, window)
        return ends is not None and ends[1] < 0

    if not ordered or difference(ordered[0].curves, ordered[0].curves) is None:
        return [None] * len(ordered)
    return list(rank_groups(ordered, is_better))


def _row_of_means(row: Any, curves: Mapping[tuple[str, ...], Sequence[Point]]) -> dict[str, Any]:
    known = {name: getattr(row, name) for name in UNCERTAINTY if name not in NUMBERS}
    anchor, curve = (_curve(curves[name, row.dataset, row.image_set]) for name in (row.anchor_curve, row.curve))
    return known | _spans(row._asdict()) | {"bd_psnr_db": _bd_psnr(anchor, curve)}


def _curve(points: Sequence[Point]) -> RDCurve:
    return monotone(points[0]["label"], *([point[name] for point in points] for name in ("bpp", "psnr_db")))[0]
