"""The printed numbers of the paper with the verdict on each, a table for each of the paper's."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from lic_bench.rate_distortion import published
from lic_bench.report.claims.found_values import BD_TOLERANCE, COST_TOLERANCE, PICTURE, SAME_GPU, Found
from lic_bench.report.claims.verdicts import Claim, check_claims, summary
from lic_bench.report.frames.report_data import ReportData
from lic_bench.report.labels import dataset_label
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, number_columns, text_cell, text_columns

RULES = {
    "bd_rate": "BD-rates are recomputed from the published points, by pchip against the published VTM-9.1, and agree "
    f"where the printed digits do; measured ones agree within {BD_TOLERANCE} points.",
    "own_bd_rate": "BD-rates are against the first row, of a run that has both with their weights.",
    "cost": f"Times and memory are held against runs on an {SAME_GPU} alone, and agree within "
    f"{100 * COST_TOLERANCE:.0f} %.",
    "count": "FLOPs and parameters are those that thop counts in a forward pass at 768 x 512; they agree where the "
    "printed digits do.",
    "sum": "∆FLOPs are recomputed from Table 5 and the sizes of our networks' g_a, g_s, h_a and h_s: arithmetic, "
    "no measurement.",
    "formula": "The numbers of operations are recomputed from the printed formulas: arithmetic, no measurement.",
    "picture": "Bits per pixel and PSNR are those of the measured quality nearest to them.",
}
KINDS = {
    **dict.fromkeys(("bd_rate_psnr_pct", "bd_rate_msssim_pct", "bd_rate_mean_pct"), "bd_rate"),
    "bd_rate_pct": "own_bd_rate",
    **dict.fromkeys(("enc_s", "dec_s", "mem_g"), "cost"),
    **dict.fromkeys(("flops_g", "params_m"), "count"),
    "delta_flops_g": "sum",
    "ops_ld": "formula",
    **dict.fromkeys(PICTURE, "picture"),
}


def claims_tables(claims: Sequence[Claim]) -> list[Table]:
    """One table for each of the paper's that has claims, in its order, which `claims` are in."""
    return [_table(number, list(group)) for number, group in groupby(claims, key=lambda claim: claim.printed.table)]


def claims_in_report(data: ReportData) -> list[Claim]:
    """The claims, held against the runs of a report; none in one that is to show nothing published."""
    return check_claims(data.runs, data) if data.asked_slugs["psnr_db"] else []


def _table(number: int, claims: Sequence[Claim]) -> Table:
    paper = published.paper_tables()
    kinds = dict.fromkeys(KINDS[c.printed.quantity] for c in claims if c.printed.quantity in KINDS)
    caption = " ".join([f"{summary(claims)}.", *(RULES[kind] for kind in kinds)])
    columns = [
        *text_columns(method="Row", quantity="Number"),
        *number_columns(printed="Printed", recomputed="Recomputed", measured="Measured"),
        Column("verdict", "Verdict", align="left"),
    ]
    place = f"Table {number}: {paper['tables'][str(number)]['title']}" if number else "text and Figures 12 and 13"
    title = f"Claims of {paper['paper']['short']}'s {place}"
    return Table(f"claims_table{number}" if number else "claims_text", title, caption, columns, list(_rows(claims)))


def _rows(claims: Sequence[Claim]) -> Iterator[Row]:
    for claim in claims:
        printed = claim.printed
        where = dataset_label(printed.dataset) if printed.anchor and printed.table in (1, 4) else ""
        cells = {
            "method": text_cell(printed.row),
            "quantity": text_cell(" ".join(filter(None, (printed.column, where)))),
            "printed": Cell(printed.text, printed.value),
            "recomputed": _found_cell(claim, [claim.recomputed] if claim.recomputed else []),
            "measured": _found_cell(claim, claim.measured, named=True),
            "verdict": Cell(
                _verdict(claim), claim.verdict, (claim.reason,) if claim.reason else (), best=claim.is_unexplained
            ),
        }
        yield Row("measured" if claim.measured else "published", cells)


def _verdict(claim: Claim) -> str:
    if claim.difference is None:
        return claim.verdict
    by = f"{claim.verdict} by {claim.difference:+.{claim.printed.digits}f}"
    return f"{by}, unexplained" if claim.is_unexplained else by


def _found_cell(claim: Claim, found: Sequence[Found], *, named: bool = False) -> Cell:
    """The value that is farthest from the printed one, of those that can be held against it if there are any."""
    there = [f for f in found if f.value is not None]
    shown = [f for f in there if not f.hindrance] or there
    if not shown:
        return Cell("-")
    farthest = max(shown, key=lambda f: abs((f.value or 0) - (claim.printed.value or 0)))
    return number_cell(farthest.value, claim.printed.digits, notes=[f"Run {farthest.source}."] if named else [])
