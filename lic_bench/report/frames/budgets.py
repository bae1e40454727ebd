"""The best BD-rate that can be had within a time."""

from functools import lru_cache

import pandas as pd

from lic_bench.rate_distortion.trade_offs import best_within, hypervolume
from lic_bench.report.frames.bd_against_latency import BdAgainstLatency, bd_against_latency, datasets_with_bd
from lic_bench.report.frames.report_data import ReportData

BUDGETS_S = (0.05, 0.1, 0.5, 1.0, 5.0)
BUDGETS = ["operation", "provenance", "device", "budget_s", "label", "bd_rate", "seconds", "hypervolume"]


@lru_cache(maxsize=1)  # for the table and Figure 1
def timed_codecs(data: ReportData) -> dict[str, BdAgainstLatency]:
    """operation -> the codecs on Kodak, without BD-rates there on the data set with the most curves; {} without any."""
    dataset = next(iter(datasets_with_bd(data, "psnr_db")), "")
    found = {operation: bd_against_latency(data, dataset, "psnr_db", operation) for operation in ("decode", "encode")}
    return {operation: timed for operation, timed in found.items() if timed is not None}


def budgets_frame(timed: dict[str, BdAgainstLatency]) -> pd.DataFrame:
    """One row per operation, machine and budget that any codec keeps, columns BUDGETS: the lowest BD-rate within it.

    seconds: what that codec takes. hypervolume: of trade_offs. Neither lower bounds nor random weights count.
    """
    rows = []
    for operation, of_operation in timed.items():
        known = of_operation.codecs.dropna(subset=["seconds", "bd_rate"])
        known = known[~known.networks_only & ~known.lower_bound]
        for (provenance, device), of_machine in known.groupby(["provenance", "device"], sort=False):
            points = list(zip(of_machine.seconds, of_machine.bd_rate, strict=True))
            where = {"operation": operation, "provenance": provenance, "device": device}
            for budget_s in BUDGETS_S:
                if (best := best_within(points, budget_s)) is not None:
                    row = {"budget_s": budget_s, "label": of_machine.label.iloc[best], "seconds": points[best][0]}
                    row |= {"bd_rate": points[best][1], "hypervolume": hypervolume(points, budget_s)}
                    rows.append(where | row)
    return pd.DataFrame(rows, columns=BUDGETS)
