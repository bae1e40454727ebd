"""Entries of accepted.toml that no run and no codec fits."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from lic_bench.compare.accepted import Accepted
from lic_bench.compare.unmatched_accepted import unmatched_entries
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run


@pytest.mark.parametrize(
    ("codec", "quality", "said"),
    [
        ("jpeg", None, ""),
        ("jpeg", 50, ""),
        ("elic", 4, ""),  # of which operations alone were counted
        ("of-a-plugin", 1, ""),
        ("webp", 75, ""),  # a codec, of other runs
        ("vtm-18.0", 32, ""),
        ("my_models:small", 1, ""),
        ("jpgg", None, "(jpgg payload_bytes): no such codec here. Did you mean 'jpeg'?"),
        ("of-a-plugn", None, "(of-a-plugn payload_bytes): no such codec here. Did you mean 'of-a-plugin'?"),
        ("mlic++", 1, "(mlic++ 1 payload_bytes): no such codec here. Did you mean 'mlic-plus-plus'?"),
        ("zzzzzz", None, "(zzzzzz payload_bytes): no such codec here."),
        ("jpeg", 51, "(jpeg 51 payload_bytes): no such quality here, only 30, 50."),
    ],
)
def test_what_nothing_fits_is_said(
    stored: Callable[..., Run],
    record: Callable[..., Record],
    complexity: Callable[..., Complexity],
    codec: str,
    quality: int | None,
    said: str,
) -> None:
    base = stored([record(quality=30), record(codec="of-a-plugin", quality=1)], [complexity()])
    new = stored([record()], name="new")
    given = {"metric": "payload_bytes", "change": 0.1, "who": "A", "why": "meant", "date": date(2026, 11, 23)}
    entries = [Accepted(codec="jpeg", **given), Accepted(codec=codec, quality=quality, **given)]
    found = unmatched_entries(entries, base, new, Path("accepted.toml"))
    assert found == ([f"accepted.toml, number 2 {said}"] if said else [])
