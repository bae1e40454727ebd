"""Changes that someone accepted: results/accepted.toml, one table per change, with who and why."""

import re
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from math import inf
from pathlib import Path
from typing import Any

from lic_bench.codecs.factory_targets import is_target
from lic_bench.codecs.registry import find_codec, installed_codecs
from lic_bench.compare.metric_table import NAMES
from lic_bench.compare.toml_file import read_table
from lic_bench.errors import UserError, hint, unknown
from lic_bench.store.run_folder import Run

DEFAULT = Path("results/accepted.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One accepted change.

    change: the largest relative worsening of the mean that is accepted, 0.08 for 8 %, inf for any, also from 0. If only
        some images are worse, or the metric is a text, any entry accepts it.
    quality: None for all. commit: of the change, its first 7 digits or more, by which `lic-bench history` finds it.
    """

    codec: str
    metric: str
    who: str
    why: str
    date: date
    change: float
    quality: int | None = None
    commit: str | None = None

    @property
    def about(self) -> str:
        """ "jpeg 50 payload_bytes 1a2b3c4"."""
        parts = (self.codec, self.quality, self.metric, self.commit)
        return " ".join(str(part) for part in parts if part is not None)

    def __str__(self) -> str:
        return f"accepted by {self.who} on {self.date}: {self.why}"


COMMIT = re.compile(r"[0-9a-f]{7,40}")
ROUNDING = 1e-12  # of a relative change: 21600 / 20000 - 1 is more than 0.08
TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("codec", "metric", "who", "why", "commit"), (str,)),
    **{"date": (date,), "change": (int, float), "quality": (int,)},
}


def read_named_or_default(path: Path | None) -> list[Accepted]:
    """The entries of --accepted, a file that must exist; without it those of DEFAULT, which need not exist."""
    if path is not None and not path.is_file():
        raise UserError(f"--accepted {path}: no such file; leave it out for {DEFAULT}, or name the file to read.")
    return read_accepted(path or DEFAULT)


def read_accepted(path: Path) -> list[Accepted]:
    """The entries of a file, [] if it does not exist. Raises UserError, naming the entry, for what is no entry."""
    if not path.exists():
        return []
    tables = read_table(path, "accepted", str(path), [])
    if not isinstance(tables, list):
        raise UserError(f"{path}: accepted is {tables!r}; write a table [[accepted]] per change.")
    return [_read_entry(table, f"{path}, [[accepted]] number {number}") for number, table in enumerate(tables, 1)]


def extent_to_cover(change: float | None, *, numbers: bool) -> float | None:
    """What an entry's change must reach to cover this change: inf if there is no ratio, as from 0.

    change: relative, None if it has no ratio. numbers: whether the values are numbers; for texts None is returned,
    which any entry covers.
    """
    return inf if numbers and change is None else change


def covering_entry(
    accepted: Sequence[Accepted], codec: str, quality: int, metric: str, change: float | None
) -> Accepted | None:
    """The first entry that accepts this change of a metric, None if none does. change: by `extent_to_cover`."""
    entries = _entries_about(accepted, codec, quality, metric)
    return next((entry for entry in entries if change is None or abs(change) <= entry.change + ROUNDING), None)


def largest_accepted(accepted: Sequence[Accepted], codec: str, quality: int, metric: str) -> float | None:
    """The largest change of this metric that is accepted; None if no entry is about it."""
    return max((entry.change for entry in _entries_about(accepted, codec, quality, metric)), default=None)


def _entries_about(accepted: Sequence[Accepted], codec: str, quality: int, metric: str) -> list[Accepted]:
    return [
        entry
        for entry in accepted
        if (entry.codec, entry.metric) == (codec, metric) and entry.quality in (None, quality)
    ]


def _read_entry(table: Any, where: str) -> Accepted:
    if not isinstance(table, dict):
        raise UserError(f"{where} is {table!r}; write a table.")
    for name, value in table.items():
        if name not in TYPES:
            raise unknown(f"key in {where}", name, TYPES)
        if not isinstance(value, TYPES[name]) or isinstance(value, (bool, datetime)):
            kinds = " or ".join(kind.__name__ for kind in TYPES[name])
            raise UserError(f"{where}: {name} = {value!r} is no {kinds}.")
        if isinstance(value, str) and not value.strip():
            raise UserError(f"{where}: {name} is empty.")
    if table.get("metric", NAMES[0]) not in NAMES:
        raise unknown(f"metric in {where}", table["metric"], NAMES)
    if not table.get("change", 0) >= 0:
        raise UserError(f"{where}: change = {table['change']!r}; give a number from 0 on, 0.08 for 8 %.")
    if "commit" in table and not COMMIT.fullmatch(table["commit"]):
        raise UserError(
            f"{where}: commit = {table['commit']!r}; give 7 to 40 hexadecimal digits, "
            "as `git log -1 --format=%h v1.0` prints them."
        )
    if lacking := [f.name for f in fields(Accepted) if f.default is MISSING and f.name not in table]:
        raise UserError(f"{where} lacks {', '.join(lacking)}; who accepted which change of what, and why?")
    return Accepted(**table)


def unmatched_entries(entries: Sequence[Accepted], base: Run, new: Run, path: Path) -> list[str]:
    """A line for each entry about a codec or a quality that does not exist, as typing errors leave them.

    They are no errors: one file serves runs of different codecs and plug-ins.
    """
    frames = (base.records, base.complexity, new.records, new.complexity)
    measured = {key for rows in frames for key in rows[["codec", "quality"]].itertuples(index=False, name=None)}
    reasons = ((number, entry, _mismatch(entry, measured)) for number, entry in enumerate(entries, 1))
    return [f"{path}, number {number} ({entry.about}): {reason}" for number, entry, reason in reasons if reason]


def _mismatch(entry: Accepted, measured: set[tuple[str, int]]) -> str:
    if qualities := sorted(quality for codec, quality in measured if codec == entry.codec):
        exists = entry.quality is None or entry.quality in qualities
        return "" if exists else f"no such quality here, only {', '.join(map(str, qualities))}."
    if is_target(entry.codec):
        return ""
    if spec := find_codec(entry.codec):  # also of another version than is installed; no record names it by an alias
        return "" if spec.name == entry.codec else f"no such codec here. Did you mean {spec.name!r}?"
    return f"no such codec here.{hint(entry.codec, {codec for codec, _ in measured} | installed_codecs().keys())}"
