"""BD-rate against the time of one operation, as in the paper's Figure 1: one row per codec and source."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from lic_bench.rate_distortion import published
from lic_bench.report.frames.bd_rates import bd_rates_by_curve
from lic_bench.report.frames.dataset_times import NOT_TIMED
from lic_bench.report.frames.measured_codecs import MeasuredCodec, measured_codecs
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import published_slug

COLUMNS = [
    *("curve", "codec", "label", "provenance", "device", "seconds", "low_s", "high_s", "lower_bound"),
    *("bd_rate", "bd_low", "bd_high", "params_m", "networks_only", "n_images", "n_qualities"),
]
NUMBERS = ["seconds", "low_s", "high_s", "bd_rate", "bd_low", "bd_high", "params_m"]
PRINTED = {"encode": "enc_s", "decode": "dec_s"}  # operation -> column of the paper's Table 1


@dataclass(frozen=True, slots=True, eq=False)
class BdAgainstLatency:
    """anchor: what the BD-rates are against. codecs: columns COLUMNS, a time or BD-rate may be missing.

    lower_bound: `seconds` is one. low_s, high_s: quartiles over images and qualities of the medians; NaN where not
    measured. bd_low, bd_high: the interval over images; NaN where there is none. networks_only: with random weights,
    so that the BD-rate is the published curve's. n_images, n_qualities: over which the time is a mean.
    """

    dataset: str
    anchor: str
    codecs: pd.DataFrame


def datasets_with_bd(data: ReportData, metric: str) -> list[str]:
    """The data sets of the visible BD-rates, Kodak first, then those with the most curves."""
    bd = _visible_bd(data, metric)
    counts = bd.dataset.value_counts()
    return sorted(map(str, counts.index), key=lambda name: (name != "kodak", -counts[name], name))


def bd_against_latency(data: ReportData, dataset: str, metric: str, operation: str) -> BdAgainstLatency | None:
    """The codecs on a data set; None without BD-rates there. Those against another anchor than most have none."""
    bd = _visible_bd(data, metric)
    bd = bd[bd.dataset == dataset]
    if bd.empty:
        return None
    anchor = bd[bd.anchor_curve == bd.anchor_curve.mode().iloc[0]].iloc[0]
    not_on_axis = set(bd.curve[bd.anchor_curve != anchor.anchor_curve])
    rates = bd_rates_by_curve(data.bd_for(metric), dataset, data.method)
    rows = [*_published_rows(data, rates, dataset, metric, operation), *_measured_rows(data, rates, dataset, operation)]
    rows = [row | {"bd_rate": None} if row["curve"] in not_on_axis else row for row in rows]
    frame = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(NUMBERS, float))
    frame = frame.astype({"lower_bound": bool, "networks_only": bool})
    if metric == "psnr_db":
        frame = _with_intervals(frame, data, dataset, str(anchor.anchor_curve))
    return BdAgainstLatency(dataset, str(anchor.anchor), frame)


def _with_intervals(frame: pd.DataFrame, data: ReportData, dataset: str, anchor_curve: str) -> pd.DataFrame:
    """Intervals are by pchip and of the codec's own curve."""
    known = data.uncertainty
    known = known[(known.dataset == dataset) & (known.anchor_curve == anchor_curve) & (data.method == "pchip")]
    ends = known.set_index("curve")[["low", "high"]]
    for name in ("low", "high"):
        frame[f"bd_{name}"] = frame.curve.map(ends[name]).where(frame.provenance == "measured")
    return frame


def _visible_bd(data: ReportData, metric: str) -> pd.DataFrame:
    bd = data.visible_rows(data.bd_for(metric), metric)
    return bd[bd[data.method].notna()]


def _published_rows(
    data: ReportData, rates: Mapping[str, float], dataset: str, metric: str, operation: str
) -> Iterator[dict[str, Any]]:
    """The codecs of the paper's Table 1, whose times are on Kodak."""
    printed = published.printed_table1()
    for slug in printed.index if dataset == "kodak" else ():
        if slug in (*data.asked_slugs[metric], *data.slugs_of_anchor[metric]):
            row = printed.loc[slug]
            seconds, at_least = row[PRINTED[operation]], row.get(f"{PRINTED[operation]}_lower_bound")
            bounded = bool(pd.isna(seconds) and pd.notna(at_least))
            yield {
                "curve": f"published:{slug}",
                "codec": slug,
                "label": published.published_label(slug),
                "provenance": "published",
                "device": "RTX 4090",
                "seconds": at_least if bounded else seconds,
                "lower_bound": bounded,
                "bd_rate": rates.get(f"published:{slug}"),
                "params_m": row.params_m,
                "networks_only": False,
                "n_images": published.test_sets()[dataset].images,
            }


def _measured_rows(
    data: ReportData, rates: Mapping[str, float], dataset: str, operation: str
) -> Iterator[dict[str, Any]]:
    """Measured codecs that were timed on this data set, or on images of the same size."""
    for row in measured_codecs(data):
        bd, borrowed = _bd_rate_for(rates, row)
        where = _timed_on(row, dataset)
        timed = row.times.get((where, operation), NOT_TIMED)
        yield {
            "curve": f"published:{published_slug(row.codec)}" if borrowed else row.curve,
            "codec": row.codec,
            "label": row.label,
            "provenance": "measured",
            "device": row.machine if where == dataset else f"{row.machine} on {where}",
            **asdict(timed),
            "lower_bound": False,
            "bd_rate": bd,
            "params_m": row.params_m,
            "networks_only": borrowed,
        }


def _timed_on(row: MeasuredCodec, dataset: str) -> str:
    """`dataset` if it was measured, else a data set whose images all have the same size, else `dataset`."""
    known = published.test_sets().get(dataset)
    if known and known.size and dataset not in row.one_size:
        size = tuple(sorted(known.size))
        return next((name for name, only in sorted(row.one_size.items()) if only == size), dataset)
    return dataset


def _bd_rate_for(rates: Mapping[str, float], row: MeasuredCodec) -> tuple[float | None, bool]:
    """The codec's BD-rate, and whether it is that of its published curve because the weights are random."""
    own = rates.get(row.curve)
    slug = published_slug(row.codec)
    if own is not None or row.weights != "random" or slug is None:
        return own, False
    return rates.get(f"published:{slug}"), True
