"""What is known of printed numbers that do not come out here, read from results/published/explanations.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Literal

from lic_bench.rate_distortion.shipped_data import shipped_files
from lic_bench.report.frames.printed_tables import PrintedValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """text: for people. here: the value that comes out here and that it explains; None where none can.

    cause: "known", or "unknown" where people looked for one in vain.
    """

    text: str
    source: str
    cause: Literal["known", "unknown"] = "known"
    here: float | None = None

    def __str__(self) -> str:
        cause = " Not explained." if self.cause == "unknown" else ""
        return f"{self.text}{cause} [{self.source}]"


def claim_name(printed: PrintedValue) -> str:
    """What a printed number is called in the file: "1/LALIC (Ours)/bd_rate_psnr_pct/kodak", "text/FAT/dec_s".

    The data set is named where the quantity has one value for each.
    """
    place = str(printed.table or "text")
    return "/".join(filter(None, (place, printed.row, printed.quantity, printed.anchor and printed.dataset)))


@cache
def explanations() -> dict[str, Explanation]:
    """claim_name -> what is known of it."""
    content = tomllib.loads(shipped_files("published/explanations.toml")[0].read_text(encoding="utf-8"))
    known: dict[str, Explanation] = {}
    for entry in content["difference"]:
        common = {name: entry[name] for name in ("text", "source", "cause")}
        known |= {claim: Explanation(**common, here=value) for claim, value in entry["here"].items()}
    for entry in content["unavailable"]:
        known |= dict.fromkeys(entry["claims"], Explanation(text=entry["text"], source=entry["source"]))
    return known
