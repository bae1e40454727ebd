"""Tables 1 to 5 of the LALIC paper number by number, each with what of ours it is to be held against."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lic_bench.rate_distortion import published

RELEASED = "lalic"  # the codec of the ablations' last rows
FIRST_ABLATION = "lalic-2-2-2-2-conv"  # Table 2's BD-rates are against it
# Table 4 names methods as Table 1 does, but all networks save ELIC were trained for MS-SSIM. Of TCM none is known.
MS_SSIM_CODECS = {
    "VTM-9.1": "vtm-9.1",
    "ELIC": "elic",
    "TCM-large": None,
    "MLIC++": "mlic-plus-plus-msssim",
    "FAT": "fat-msssim",
    "LALIC (Ours)": "lalic-msssim",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column as it is printed. key: its name in tables.json, the unit in it. digits: after the point."""

    key: str
    column: str
    unit: str
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedValue:
    """One number of a table.

    row, column, text: as printed. value: None where "-" is printed; the bound where text is ">10.000". digits: of the
    column, after the point. quantity: the column's key in tables.json.
    codec: ours that the row means; None where there is none. curve: the published points behind it; None without any.
    dataset: what it was measured on; "" for counts. anchor: the codec that a BD-rate is against, else "".
    """

    table: int
    row: str
    column: str
    value: float | None
    text: str
    unit: str
    digits: int
    quantity: str
    codec: str | None
    curve: str | None = None
    dataset: str = ""
    anchor: str = ""


SECONDS = [Quantity("enc_s", "Enc(s)", "s", 3), Quantity("dec_s", "Dec(s)", "s", 3)]
COUNTS = [Quantity("flops_g", "FLOPs(G)", "GMAC", 2), Quantity("params_m", "Params(M)", "M", 2)]
COSTS: Mapping[int, Sequence[Quantity]] = {
    1: [*SECONDS, Quantity("mem_g", "Mem(G)", "GB", 3), *COUNTS],
    2: [Quantity("flops_g", "FLOPs/G", "GMAC", 2), Quantity("params_m", "Params/M", "M", 2)],
    3: [
        Quantity("delta_flops_g", "∆FLOPs (G)", "10^9 operations", 4),
        Quantity("params_m", "Params (M)", "M", 2),
        Quantity("loss", "Loss", "", 4),
    ],
    4: [],
    5: [Quantity("ops_ld", "#OPs", "LD", 0)],
}
BD_RATES = {
    1: Quantity("bd_rate_psnr_pct", "BD-Rate (PSNR)", "%", 2),
    2: Quantity("bd_rate_pct", "BD-rate", "%", 2),
    4: Quantity("bd_rate_msssim_pct", "BD-rate (MS-SSIM)", "%", 2),
}


def printed_values(table: int | None = None) -> list[PrintedValue]:
    """Every number of one table, or of all five, row by row as printed, dashes too."""
    tables = (1, 2, 3, 4, 5) if table is None else (table,)
    return [value for number in tables for row in _rows(number) for value in _values(number, row)]


def _rows(table: int) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = published.paper_tables()["tables"][str(table)]["rows"]
    return rows


def _values(table: int, row: Mapping[str, Any]) -> Iterator[PrintedValue]:
    codec = _codec(table, row)
    common: dict[str, Any] = {"table": table, "row": row_name(table, row), "codec": codec}
    common["curve"] = row.get("codec") or (RELEASED if table in (2, 3) and codec == RELEASED else None)
    for cost in COSTS[table]:
        dataset = "kodak" if table == 1 and cost.unit in ("s", "GB") else ""
        value, text = row[cost.key], row.get(f"{cost.key}_printed")
        value = row.get(f"{cost.key}_lower_bound", value)
        yield _value(cost, value, text, **common, dataset=dataset)
    if table in BD_RATES:
        bd_rate = BD_RATES[table]
        by_dataset = row[bd_rate.key] if table != 2 else {"kodak": row[bd_rate.key]}
        anchor = FIRST_ABLATION if table == 2 else "vtm-9.1"
        for dataset, value in by_dataset.items():
            yield _value(bd_rate, value, None, **common, dataset=dataset, anchor=anchor)


def _value(quantity: Quantity, value: float | None, text: str | None, **known: Any) -> PrintedValue:
    suffix = quantity.unit if quantity.unit in ("%", "LD") else ""
    printed = "-" if value is None else f"{value:.{quantity.digits}f}{suffix}"
    known |= {"unit": quantity.unit, "digits": quantity.digits, "quantity": quantity.key}
    return PrintedValue(column=quantity.column, value=value, text=text or printed, **known)


def row_name(table: int, row: Mapping[str, Any]) -> str:
    """The row's first cells: "LALIC (Ours)", "2,4,6,6 Conv Plus", "AFT+Shift"."""
    if table == 2:
        return f"{','.join(map(str, row['layers']))} {row['scctx']}"
    return str(row["attention"] if table == 3 else row["method"])


def ablation_name(row: str) -> str:
    """A row of Table 2 or 3 as lalic.ablations names it: "2-4-6-6-conv-plus", "aft-shift"."""
    return row.lower().replace(",", "-").replace("+", "-").replace(" ", "-")


def _codec(table: int, row: Mapping[str, Any]) -> str | None:
    if table == 1:
        return str(row["codec"])
    if table == 4:
        return MS_SSIM_CODECS[row["method"]]
    if table == 5:
        return None
    name = ablation_name(row_name(table, row))
    return RELEASED if name in ("2-4-6-6-rwkv", "biwkv-shift") else f"{RELEASED}-{name}"
