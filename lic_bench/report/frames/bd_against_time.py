"""BD-rate beside times: what Figure 1 shows, and what can be had within a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.rate_distortion.trade_offs import best_within, hypervolume
from lic_bench.report.frames.bd_rates import bd_rate_of
from lic_bench.report.frames.image_sets import sizes_fit
from lic_bench.report.frames.measured_codecs import MeasuredCodec, measured_codecs
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import published_slug

COLUMNS = [
    *("curve", "codec", "label", "provenance", "device", "enc_s", "dec_s", "lower_bound", "dec_low_s", "dec_high_s"),
    *("bd_rate", "bd_low", "bd_high", "params_m", "networks_only"),
]
BUDGETS_S = (0.05, 0.1, 0.5, 1.0, 5.0)
BUDGETS = ["operation", "provenance", "device", "budget_s", "label", "bd_rate", "seconds", "hypervolume"]


@dataclass(frozen=True, slots=True, eq=False)
class TimedCodecs:
    """rows: one per codec and source, columns COLUMNS. anchor: the label of what all BD-rates are against.

    lower_bound: dec_s is one. dec_low_s, dec_high_s: quartiles over images and qualities of the medians; NaN where not
    measured. bd_low, bd_high: the interval over images; NaN where there is none. networks_only: random weights.
    """

    dataset: str
    anchor: str
    rows: pd.DataFrame


def bd_against_time(data: ReportData) -> TimedCodecs | None:
    """On Kodak, as in the paper; without BD-rates there, on the data set with the most curves. None without any.

    A codec whose BD-rate is against another anchor than most has none here.
    """
    bd = data.visible_rows(data.bd_for("psnr_db"), "psnr_db")
    bd = bd[bd[data.method].notna()]
    if bd.empty:
        return None
    dataset = "kodak" if (bd.dataset == "kodak").any() else str(bd.dataset.mode().iloc[0])
    on_dataset = bd[bd.dataset == dataset]
    anchor = on_dataset[on_dataset.anchor_curve == on_dataset.anchor_curve.mode().iloc[0]].iloc[0]
    frame = pd.DataFrame([*_published_rows(data, dataset), *_measured_rows(data, dataset)], columns=COLUMNS)
    frame.loc[frame.curve.isin(on_dataset.curve[on_dataset.anchor_curve != anchor.anchor_curve]), "bd_rate"] = np.nan
    numbers = [name for name in COLUMNS[5:] if name not in ("lower_bound", "networks_only")]
    frame = frame.astype(dict.fromkeys(numbers, float)).astype({"lower_bound": bool, "networks_only": bool})
    return TimedCodecs(dataset, str(anchor.anchor), _with_intervals(frame, data, dataset, str(anchor.anchor_curve)))


def _with_intervals(frame: pd.DataFrame, data: ReportData, dataset: str, anchor_curve: str) -> pd.DataFrame:
    """Intervals are by pchip and of the codec's own curve."""
    known = data.uncertainty
    known = known[(known.dataset == dataset) & (known.anchor_curve == anchor_curve) & (data.method == "pchip")]
    ends = known.set_index("curve")[["low", "high"]]
    for name in ("low", "high"):
        frame[f"bd_{name}"] = frame.curve.map(ends[name]).where(frame.provenance == "measured")
    return frame


def budgets_frame(codecs: TimedCodecs) -> pd.DataFrame:
    """One row per operation, machine and budget that any codec keeps, columns BUDGETS: the lowest BD-rate within it.

    seconds: what that codec takes. hypervolume: of trade_offs. Neither lower bounds nor random weights count.
    """
    rows = []
    for operation, key in (("decode", "dec_s"), ("encode", "enc_s")):
        known = codecs.rows.dropna(subset=[key, "bd_rate"])
        known = known[~known.networks_only & ~(known.lower_bound & (operation == "decode"))]
        for (provenance, device), of_machine in known.groupby(["provenance", "device"], sort=False):
            points = list(zip(of_machine[key], of_machine.bd_rate, strict=True))
            where = {"operation": operation, "provenance": provenance, "device": device}
            for budget_s in BUDGETS_S:
                if (best := best_within(points, budget_s)) is not None:
                    row = {"budget_s": budget_s, "label": of_machine.label.iloc[best], "seconds": points[best][0]}
                    row |= {"bd_rate": points[best][1], "hypervolume": hypervolume(points, budget_s)}
                    rows.append(where | row)
    return pd.DataFrame(rows, columns=BUDGETS)


def _published_rows(data: ReportData, dataset: str) -> Iterator[dict[str, Any]]:
    """The codecs of the paper's Table 1, whose times are on Kodak."""
    printed = published.printed_table1()
    for slug in printed.index if dataset == "kodak" else ():
        if slug in (*data.asked_slugs["psnr_db"], *data.slugs_of_anchor["psnr_db"]):
            row = printed.loc[slug]
            bounded = bool(pd.isna(row.dec_s) and pd.notna(row.dec_s_lower_bound))
            yield {
                "curve": f"published:{slug}",
                "codec": slug,
                "label": published.published_label(slug),
                "provenance": "published",
                "device": "RTX 4090",
                "enc_s": row.enc_s,
                "dec_s": row.dec_s_lower_bound if bounded else row.dec_s,
                "lower_bound": bounded,
                "bd_rate": bd_rate_of(data.bd_for("psnr_db"), f"published:{slug}", dataset, data.method),
                "params_m": row.params_m,
                "networks_only": False,
            }


def _measured_rows(data: ReportData, dataset: str) -> Iterator[dict[str, Any]]:
    """Measured codecs that were timed on this data set, or on images of the same size."""
    for row in measured_codecs(data):
        bd, borrowed = _bd_rate_for(data, row, dataset)
        where = _timed_on(row, dataset)
        latencies = data.latency[(data.latency.curve == row.timed_curve) & (data.latency.dataset == where)]
        times = {name: latencies.median_s[latencies.operation == name].mean() for name in ("encode", "decode")}
        low, high = _quartiles(row, where)
        counted = row.complexity(data)
        yield {
            "curve": f"published:{published_slug(row.codec)}" if borrowed else row.curve,
            "codec": row.codec,
            "label": row.label,
            "provenance": "measured",
            "device": row.machine if where == dataset else f"{row.machine} on {where}",
            "enc_s": times["encode"],
            "dec_s": times["decode"],
            "dec_low_s": low,
            "dec_high_s": high,
            "lower_bound": False,
            "bd_rate": bd,
            "params_m": (counted.parameters.iloc[0] / 1e6 or None) if len(counted) else None,
            "networks_only": borrowed,
        }


def _quartiles(row: MeasuredCodec, dataset: str) -> tuple[float, float]:
    """Of the decoding times of the images at the qualities."""
    records = (row.timed_in or row.run).records
    own = records[(records.codec == row.codec) & (records.device == row.device) & (records.dataset == dataset)]
    medians = [median(samples) for samples in own.decode_s[own.status == "ok"] if samples]
    low, high = np.percentile(medians, (25, 75)) if medians else (float("nan"), float("nan"))
    return float(low), float(high)


def _timed_on(row: MeasuredCodec, dataset: str) -> str:
    """`dataset` if it was measured, else a data set whose images all have the same size, else `dataset`."""
    known = published.test_sets().get(dataset)
    if known and known.size and dataset not in set(row.records.dataset):
        for name, group in row.records.groupby("dataset"):
            if sizes_fit(group, known.size):
                return str(name)
    return dataset


def _bd_rate_for(data: ReportData, row: MeasuredCodec, dataset: str) -> tuple[float | None, bool]:
    """The codec's BD-rate, and whether it is that of its published curve because the weights are random."""
    bd = data.bd_for("psnr_db")
    own = bd_rate_of(bd, row.curve, dataset, data.method)
    slug = published_slug(row.codec)
    if own is not None or row.weights != "random" or slug is None:
        return own, False
    return bd_rate_of(bd, f"published:{slug}", dataset, data.method), True
