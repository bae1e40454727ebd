"""All tables of a report."""

from collections.abc import Sequence
from dataclasses import replace

from lic_bench.measurement.perceptual.registry import METRICS
from lic_bench.report.frames.budgets import timed_codecs
from lic_bench.report.frames.quality_windows import windows_text
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import METRIC_NAMES, metric_stem
from lic_bench.report.tables.budgets_table import budgets_table
from lic_bench.report.tables.claims_tables import claims_in_report, claims_tables
from lic_bench.report.tables.comparability_table import comparability_table
from lic_bench.report.tables.cost_tables import complexity_table, failures_table, latency_table, memory_table
from lic_bench.report.tables.decode_checks_table import decode_checks_table
from lic_bench.report.tables.equal_rates_table import equal_rates_table
from lic_bench.report.tables.machine_tables import conditions_table, machines_table
from lic_bench.report.tables.matched_pairs_table import matched_pairs_table
from lic_bench.report.tables.metrics_table import metrics_table
from lic_bench.report.tables.paper_tables import NAMES as PAPER_TABLES
from lic_bench.report.tables.paper_tables import paper_tables
from lic_bench.report.tables.per_image_table import NAME as PER_IMAGE
from lic_bench.report.tables.phases_table import phases_table
from lic_bench.report.tables.rd_tables import bd_table, rd_table, sources_table
from lic_bench.report.tables.scaling_tables import scaling_tables
from lic_bench.report.tables.table import Table
from lic_bench.report.tables.table1 import table1
from lic_bench.report.tables.throughput_table import throughput_table
from lic_bench.report.tables.uncertainty_table import uncertainty_table
from lic_bench.report.tables.variants_table import variants_table

TABLES = (
    *("table1", "comparability", "bd_rate", "bd_rate_ms_ssim", "rd_points", "variants", "latency", "throughput"),
    *("phases", "memory", "bd_uncertainty", "budgets"),
    *("equal_rates", "matched_pairs", "complexity", "failures", "decode_checks"),
    *("claims_text", *(f"claims_table{number}" for number in range(1, 6))),
    *("sources", "machines", "conditions", "scaling_sizes", "scaling_fits", "scaling_largest"),
    *("bd_rate_by_metric", *(f"bd_rate_{metric_stem(name)}" for name in METRICS)),
    *(PER_IMAGE, *PAPER_TABLES),
)
WITH_BD_RATES = dict.fromkeys(("table1", "bd_rate", "bd_uncertainty", "budgets"), "psnr_db")
WITH_BD_RATES |= {"bd_rate_ms_ssim": "ms_ssim_db"}  # table -> metric


def all_tables(data: ReportData, memory_gib: Sequence[float]) -> dict[str, Table]:
    """The tables by name; those without rows are left out, except Table 1."""
    tables = [bd_table(data, metric) for metric in (*METRIC_NAMES, *data.perceptual.asked)]
    tables += [metrics_table(data), uncertainty_table(data), budgets_table(timed_codecs(data))]
    tables += [equal_rates_table(data.equal_rates), matched_pairs_table(data.matched_pairs)]
    tables += [
        rd_table(data),
        latency_table(data),
        variants_table(data.variants),
        throughput_table(data),
        memory_table(data),
    ]
    tables += [phases_table(data.phases), complexity_table(data), failures_table(data), sources_table(data)]
    tables += [machines_table(data.all_runs), conditions_table(data.all_runs)]
    tables += [decode_checks_table(data.decode_checks)]
    tables += scaling_tables(data.scaling, memory_gib)
    tables += [comparability_table(data), *claims_tables(claims_in_report(data))]
    tables += paper_tables(data)
    tables = [_with_window(data, table) for table in (table1(data), *(table for table in tables if table.rows))]
    return {table.name: table for table in tables}


def _with_window(data: ReportData, table: Table) -> Table:
    """The table with what its BD-rates are over in the caption, if that is one window."""
    metric = WITH_BD_RATES.get(table.name)
    text = windows_text(data.windows.get(metric, {})) if metric else ""
    return replace(table, caption=f"{table.caption} {text}") if text else table
