"""What stands where on the page of a report."""

from collections.abc import Sequence

from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.html_page import Picture, Section
from lic_bench.report.tables.paper_tables import NAMES as PAPER_TABLES
from lic_bench.report.tables.per_image_table import NAME as PER_IMAGE
from lic_bench.report.tables.table import Table
from lic_bench.store.run_json import is_elsewhere

NOTHING = "Published values only; nothing here was measured. "


def page_sections(tables: dict[str, Table], pictures: Sequence[Picture]) -> list[Section]:
    """Those that have anything to show."""

    def existing(*names: str) -> list[Table]:
        return [tables[name] for name in names if name in tables]

    first = [picture for picture in pictures if picture.name == "figure1"]
    bars = [picture for picture in pictures if picture.name.startswith("phases_")]
    growth = [picture for picture in pictures if picture.name == "figure10"]
    curves = [picture for picture in pictures if picture not in (*first, *bars, *growth)]
    sections = [
        Section("overview", "Overview", first, existing("table1", "comparability")),
        Section("failed", "Failures", (), existing("failures")),
        Section("curves", "Rate-distortion curves", curves),
        Section("bd", "BD-rate", (), [table for name, table in tables.items() if name.startswith("bd_")]),
        Section("equal", "Equal rates", (), existing("equal_rates")),
        Section("pairs", "Matched pairs", (), existing("matched_pairs"), folded=True),
        Section(
            "times",
            "Latency, throughput and memory",
            bars,
            existing("budgets", "variants", "latency", "throughput", "phases", "memory"),
        ),
        Section("operations", "Complexity", (), existing("complexity")),
        Section("scaling", "Scaling", growth, existing("scaling_fits", "scaling_largest", "scaling_sizes")),
        _paper_section(existing(*PAPER_TABLES)),
        Section(
            "claims", "Claims", (), [table for name, table in tables.items() if name.startswith("claims_")], folded=True
        ),
        Section("machine", "Machines and conditions", (), existing("decode_checks", "machines", "conditions")),
        Section("points", "Points", (), existing("rd_points"), folded=True),
        Section("images", "Images", (), existing(PER_IMAGE), folded=True),
        Section("published", "Sources", (), existing("sources"), folded=True),
    ]
    return [section for section in sections if section.pictures or section.tables]


def _paper_section(tables: Sequence[Table]) -> Section:
    """Folded where the runs measured nothing that stands in it."""
    folded = all(row.provenance == "published" for table in tables for row in table.rows)
    return Section("paper", "Tables of the paper", (), tables, folded=folded)


def interactive_twin(figure: str) -> str:
    """The interactive figure that shows the same."""
    return "curves" if figure.startswith("rd_") else "latency" if figure == "figure1" else ""


def lead(data: ReportData) -> str:
    """The first sentences of the page."""
    measured, elsewhere = (
        ", ".join(run.name for run in data.all_runs if is_elsewhere(run.info) == there) for there in (False, True)
    )
    what = f"Measured: {measured}. " if measured else "" if elsewhere else NOTHING
    what += f"Coded elsewhere, distortions measured here, no times: {elsewhere}. " if elsewhere else ""
    imported = ", ".join(item.name for item in data.imported)
    what += f"Imported, measured elsewhere, means only: {imported}. " if imported else ""
    return what + "Published values are marked as such everywhere; they were obtained by others on other machines."
