"""Which rows of Table 1 and of the tables of BD-rates are not comparable with each other, and why."""

from lic_bench.report.frames.incomparable_rows import differences_of_rows
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.tables.table import Row, Table, text_cell, text_columns


def comparability_table(data: ReportData) -> Table:
    """One row for each condition in which rows differ; none where all are comparable."""
    caption = (
        "In each of these conditions rows of Table 1, or of the tables of BD-rates, differ: what the column names says "
        "is not comparable between them. Conditions in which all agree are left out."
    )
    rows = [
        Row(
            "measured",
            {
                "condition": text_cell(difference.condition),
                "concerns": text_cell(difference.concerns),
                "rows": text_cell(difference.rows),
            },
        )
        for difference in differences_of_rows(data)
    ]
    columns = text_columns(condition="Condition", concerns="Concerns", rows="Which rows")
    return Table("comparability", "Rows that are not comparable", caption, columns, rows)
