"""What became of bitstreams that were decoded again, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table

from lic_bench.terminal.plain_table import plain_table

if TYPE_CHECKING:
    from lic_bench.run.decode_check import Decode

TITLES = ["codec", "quality", "bitstreams", "bit-exact", "within 1", "other", "failed", "largest", "first other pass"]


def decode_table(decodes: Sequence[Decode]) -> Table:
    """One row per codec and quality."""
    rows = []
    for (codec, quality), group in groupby(decodes, key=lambda decode: (decode.codec, decode.quality)):
        of_quality = list(group)
        count = Counter(decode.outcome for decode in of_quality)
        largest = [decode.largest for decode in of_quality if decode.largest is not None]
        passes = [(d.first_pass, d.passes) for d in of_quality if d.first_pass is not None]
        rows.append(
            [
                *(codec, str(quality), str(len(of_quality))),
                *(str(count[outcome]) for outcome in ("exact", "near", "other", "failed")),
                str(max(largest)) if largest else "-",
                "{} of {}".format(*min(passes)) if passes else "-",
            ]
        )
    return plain_table(TITLES, rows)
