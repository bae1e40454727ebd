"""What was measured of each codec: one row per run, codec and device; times that another run took join its rates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from lic_bench.report.frames.codec_costs import weights_state
from lic_bench.report.frames.dataset_times import CurveTimes, dataset_times
from lic_bench.report.frames.rd_points import curve_id
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import machine_name, measured_label, sort_datasets
from lic_bench.spec import variant_order
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredCodec:
    """One measured row: a codec on a device in a run. Times in seconds, memory in bytes; None where not measured.

    timed_in: the run that took the times and the memory, where `run` took the rates alone. times: by data set and
    operation. one_size: data set -> lower and higher side of all its images; None where they vary. params_m: of
    `complexity`, in millions.
    """

    run: Run
    codec: str
    device: str
    weights: str
    records: pd.DataFrame
    dataset: str | None = None
    enc_s: float | None = None
    dec_s: float | None = None
    n_images: int = 0
    n_qualities: int = 0
    timed_in: Run | None = None
    times: CurveTimes = field(default_factory=dict)
    one_size: Mapping[str, tuple[int, int] | None] = field(default_factory=dict)
    params_m: float | None = None

    @property
    def curve(self) -> str:
        """The id of its curves."""
        return curve_id(self.run.name, self.codec, self.device)

    @property
    def timed_curve(self) -> str:
        """The id of its times and memory."""
        return curve_id((self.timed_in or self.run).name, self.codec, self.device)

    @property
    def label(self) -> str:
        """What it is called, with the mode that its records say."""
        return measured_label(self.codec, next(iter(self.records["mode"].dropna()), None))

    @property
    def machine(self) -> str:
        """The processor behind its device."""
        return machine_name(self.run.info, self.device)

    def complexity(self, data: ReportData) -> pd.DataFrame:
        """Its rows of data.complexity: those of its run, else of the run that took the times."""
        own = data.complexity[data.complexity.codec == self.codec]
        runs = [run.name for run in (self.run, self.timed_in) if run and run.name in set(own.run)]
        return own[own.run.isin(runs[:1])]


@lru_cache(maxsize=1)  # many tables and figures ask it
def measured_codecs(data: ReportData) -> Sequence[MeasuredCodec]:
    """Every (run, codec, device), with its times: mean over qualities and images of the median over repeats.

    The times are those on the paper's first data set that was measured, else on the first by name. What one run timed
    without its quality, and one other run coded to the same bytes on such a machine without timing it, is one entry.
    """
    rows = []
    for run in data.runs:
        for (codec, device), records in run.records.groupby(["codec", "device"], sort=False):
            weights = weights_state(records.weights.tolist())
            rows.append(_timed(MeasuredCodec(run, str(codec), str(device), weights, records), data.latency))
        for codec in sorted(
            {*run.complexity.codec, *run.throughput.codec} - set(run.records.codec), key=variant_order
        ):  # no records
            device = str((run.info.get("config") or {}).get("device", ""))
            rows.append(MeasuredCodec(run, str(codec), device, "", run.records.iloc[:0]))
    times = dataset_times(data)
    return [_completed(row, data, times.get(row.timed_curve, {})) for row in _joined(rows)]


def _completed(row: MeasuredCodec, data: ReportData, times: CurveTimes) -> MeasuredCodec:
    sizes = {
        str(name): {*zip(np.minimum(of.width, of.height), np.maximum(of.width, of.height), strict=True)}
        for name, of in row.records[["dataset", "width", "height"]].groupby("dataset")
    }
    one_size = {name: next(iter(of)) if len(of) == 1 else None for name, of in sizes.items()}
    counted = row.complexity(data)
    params_m = (float(counted.parameters.iloc[0]) / 1e6 or None) if len(counted) else None
    return replace(row, times=times, one_size=one_size, params_m=params_m)


def _timed(row: MeasuredCodec, latency: pd.DataFrame) -> MeasuredCodec:
    timed = latency[latency.curve == row.curve]
    if (timed.weights == "loaded").any():
        timed = timed[timed.weights == "loaded"]
    if timed.empty:
        return row
    dataset = sort_datasets(set(timed.dataset))[0]
    timed = timed[timed.dataset == dataset]
    timed = timed[timed.n_images == timed.n_images.max()]  # a quality with fewer images would weigh others by chance
    times = timed.groupby("operation").median_s.mean()
    return replace(
        row,
        dataset=dataset,
        enc_s=times.get("encode"),
        dec_s=times.get("decode"),
        n_images=int(timed.n_images.max()),
        n_qualities=timed.quality.nunique(),
    )


def _joined(rows: Sequence[MeasuredCodec]) -> list[MeasuredCodec]:
    """The rows, but one of rates alone and one of times alone that fit each other, and no third one, are one row."""
    pairs = [(rates, times) for rates in rows for times in rows if _fits(rates, times)]
    fitting = Counter(row for pair in pairs for row in pair)
    times_of = {rates: times for rates, times in pairs if fitting[rates] == fitting[times] == 1}
    return [_with_times(row, times_of.get(row)) for row in rows if row not in times_of.values()]


def _fits(rates: MeasuredCodec, times: MeasuredCodec) -> bool:
    """Whether one has rates alone, the other times alone, of the same bytes on such a machine."""
    rates_alone = rates.dec_s is None and not any(rates.records.peak_memory_bytes) and _has_quality(rates)
    times_alone = times.dec_s is not None and not _has_quality(times)
    if not (rates_alone and times_alone and times.records.status.eq("ok").all()):  # a failure has its own row
        return False
    same = [(row.codec, row.device, row.machine) for row in (rates, times)]
    return same[0] == same[1] and _bitstreams(times) <= _bitstreams(rates)


def _has_quality(row: MeasuredCodec) -> bool:
    return bool(row.records.psnr_db.notna().any())


def _bitstreams(row: MeasuredCodec) -> set[tuple[object, ...]]:
    """What was coded to which bytes; a record that does not say it counts as bytes of its run alone."""
    coded = row.records[row.records.status == "ok"]
    named = coded.assign(bitstream_sha256=coded.bitstream_sha256.fillna(row.run.name))
    return set(named[["quality", "dataset", "image", "bitstream_sha256"]].itertuples(index=False, name=None))


def _with_times(rates: MeasuredCodec, times: MeasuredCodec | None) -> MeasuredCodec:
    if times is None:
        return rates
    names = ("dataset", "enc_s", "dec_s", "n_images", "n_qualities")
    return replace(rates, timed_in=times.run, **{name: getattr(times, name) for name in names})
