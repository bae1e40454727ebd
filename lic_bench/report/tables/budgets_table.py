"""The best BD-rate that can be had within a time."""

from typing import Any

from lic_bench.report.frames.bd_against_latency import BdAgainstLatency
from lic_bench.report.frames.budgets import budgets_frame
from lic_bench.report.labels import dataset_label
from lic_bench.report.tables.codec_columns import table_rows
from lic_bench.report.tables.table import Cell, Table, number_cell, number_columns, text_cell, text_columns


def budgets_table(timed: dict[str, BdAgainstLatency]) -> Table:
    """One row per operation, machine and budget that any codec keeps."""
    columns = [
        *text_columns(operation="Operation", times="Times"),
        *number_columns(budget_ms="Within [ms]"),
        *text_columns(method="Best method"),
        *number_columns(bd_rate="BD-rate [%]", time_ms="Takes [ms]", hypervolume="Hyper-volume"),
    ]
    title = "Best BD-rate within a latency budget"
    if not timed:
        return Table("budgets", title, "", columns, [])
    first = next(iter(timed.values()))
    caption = (
        f"Per image of {dataset_label(first.dataset)}, BD-rate against {first.anchor}; only machines and budgets "
        "that a codec keeps. Times of different machines do not compare. Hyper-volume: the area between the Pareto "
        "front and a BD-rate of 0 up to the budget, in percent times decades of time; 0 where no codec saves anything."
    )
    return Table("budgets", title, caption, columns, table_rows(budgets_frame(timed), _cells))


def _cells(row: Any) -> dict[str, Cell]:
    return {
        "operation": text_cell(row.operation),
        "times": text_cell(f"{row.provenance}, {row.device}"),
        "budget_ms": number_cell(1e3 * row.budget_s, 0),
        "method": text_cell(row.label),
        "bd_rate": number_cell(row.bd_rate, 2),
        "time_ms": number_cell(1e3 * row.seconds, 1),
        "hypervolume": number_cell(row.hypervolume, 2),
    }
