"""Numbers that the LALIC paper prints outside of its tables: in the text, and below two figures."""

from collections.abc import Iterator
from typing import Any

from lic_bench.defaults import ANCHOR
from lic_bench.rate_distortion import published
from lic_bench.report.frames.printed_tables import PrintedValue

NO_TABLE = 0


def printed_in_text() -> Iterator[PrintedValue]:
    """Them, with NO_TABLE as their table; a picture of Kodak is the `dataset` of its bpp and PSNR."""
    figures: dict[str, Any] = published.paper_tables()["other_figures"]
    for entry in figures["text"]:
        yield PrintedValue(
            table=NO_TABLE,
            row=entry["row"],
            column=entry["column"],
            value=float(entry["printed"].rstrip("%")),
            text=entry["printed"],
            unit="%" if entry["printed"].endswith("%") else "s",
            digits=len(entry["printed"].rstrip("%").partition(".")[2]),
            quantity=entry["quantity"],
            codec=entry["codec"],
            curve=entry["codec"],
            dataset="" if entry["printed"].endswith("%") else "kodak",
            anchor=ANCHOR if entry["printed"].endswith("%") else "",
        )
    for picture in figures["subjective"]:
        for codec in ("tcm-large", "lalic"):
            for quantity, column, digits in (("bpp", "bpp", 3), ("psnr_db", "PSNR [dB]", 2)):
                value = picture[codec][quantity.removesuffix("_db")]
                yield PrintedValue(
                    table=NO_TABLE,
                    row=f"Figure {picture['figure']}, {published.published_label(codec)}",
                    column=f"{column} of {picture['image']}",
                    value=value,
                    text=f"{value:.{digits}f}",
                    unit="dB" if quantity == "psnr_db" else "bpp",
                    digits=digits,
                    quantity=quantity,
                    codec=codec,
                    dataset=picture["image"],
                )
