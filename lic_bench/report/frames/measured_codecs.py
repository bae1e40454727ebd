"""What was measured, one entry per run, codec and device, with its times."""

from dataclasses import dataclass, replace

import pandas as pd

from lic_bench.report.frames.codec_costs import weights_state
from lic_bench.report.frames.rd_points import curve_id
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import measured_label, sort_datasets
from lic_bench.store.run_folder import Run


@dataclass(frozen=True, slots=True)
class MeasuredCodec:
    """One measured row: a codec on a device in a run. Times in seconds, memory in bytes; None where not measured."""

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

    @property
    def curve(self) -> str:
        """The id of its curves."""
        return curve_id(self.run.name, self.codec, self.device)

    @property
    def label(self) -> str:
        """What it is called, with the mode that its records say."""
        return measured_label(self.codec, next(iter(self.records["mode"].dropna()), None))


def measured_codecs(data: ReportData) -> list[MeasuredCodec]:
    """Every (run, codec, device), with its times: mean over qualities and images of the median over repeats.

    The times are those on the paper's first data set that was measured, else on the first by name.
    """
    rows = []
    for run in data.runs:
        for (codec, device), records in run.records.groupby(["codec", "device"], sort=False):
            row = MeasuredCodec(run, str(codec), str(device), weights_state(records.weights.tolist()), records)
            rows.append(_timed(row, data.latency))
        for codec in sorted(set(run.complexity.codec) - set(run.records.codec)):  # of a run that only counted
            device = str((run.info.get("config") or {}).get("device", ""))
            rows.append(MeasuredCodec(run, str(codec), device, "", run.records.iloc[:0]))
    return rows


def _timed(row: MeasuredCodec, latency: pd.DataFrame) -> MeasuredCodec:
    mine = latency[latency.curve == row.curve]
    if (mine.weights == "loaded").any():
        mine = mine[mine.weights == "loaded"]
    if mine.empty:
        return row
    dataset = sort_datasets(set(mine.dataset))[0]
    here = mine[mine.dataset == dataset]
    here = here[here.n_images == here.n_images.max()]  # a quality with fewer images would weigh others by chance
    times = here.groupby("operation").median_s.mean()
    return replace(
        row,
        dataset=dataset,
        enc_s=times.get("encode"),
        dec_s=times.get("decode"),
        n_images=int(here.n_images.max()),
        n_qualities=here.quality.nunique(),
    )
