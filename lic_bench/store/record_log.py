"""The files of a run's records: append-only JSON Lines, which resume where a killed run left them."""

import gc
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Generic

from lic_bench.errors import UserError
from lic_bench.store import jsonl
from lic_bench.store.json_validation import read_object, spell_out_bytes, validated
from lic_bench.store.records import FIELDS_OF_PART, READABLE, FailureKind, Record, Row

FIX = "remove that line or measure again with --fresh"
ENDINGS = tuple(f', "schema": {schema}}}'.encode() for schema in READABLE)  # of the lines that we write
WITHOUT_FAILURE, WITHOUT_PARTS = 4, 6  # schemas up to this one
# Pattern at the beginning of a failed row's error, of such a schema -> its kind of failure; any other is "error".
FAILURE_BY_ERROR: Mapping[str, FailureKind] = {
    "out of memory": "out_of_memory",
    "not tried: out of memory": "not_tried",
    "not tried:": "crash",
    "stopped: no answer": "timeout",
    r"\S+ was stopped: it took longer than": "timeout",
    "its process": "crash",
    "decoder out of sync": "out_of_sync",
}


class RecordLog(Generic[Row]):
    """One file of records. Opening it again is how a run resumes.

    rows: key -> the last row of it; failed: those of them that are failed ones.
    """

    def __init__(self, path: Path, cls: type[Row], commit: str | None = None) -> None:
        """commit: what appended rows note as theirs; None if it is the run's own."""
        self.path = path
        self.commit = commit
        self.rows: dict[tuple[str | int, ...], Row] = {}
        self.failed: dict[tuple[str | int, ...], Row] = {}
        for row in read_rows(path, cls, repair=True):
            self._index(row)

    def append(self, row: Row) -> Row:
        """Write one line, force it to the disk and return its row. Raises UserError, the file as before.

        A row that could not be read back is stored as a failed one that says why.
        """
        row, line = _readable(replace(row, commit=self.commit))
        try:
            jsonl.append(self.path, f"{line}\n")
        except OSError as error:
            raise UserError(
                f"Cannot write {self.path}: {error.strerror}. The {len(self.rows)} records there are safe; "
                "make room and run the same command again to go on."
            ) from None
        self._index(row)
        return row

    def _index(self, row: Row) -> None:
        self.rows[row.key] = row
        self.failed.pop(row.key, None)
        if row.status == "failed":
            self.failed[row.key] = row


def _readable(row: Row) -> tuple[Row, str]:
    """The row and its line of JSON, which `parse_row` takes; in place of one that it would not take a failed row."""
    try:
        line = json.dumps(asdict(row))
        parse_row(type(row), line, "the record cannot be stored", "no other is affected")
    except (UserError, TypeError, ValueError) as error:
        row = row.as_failed(str(error))
        line = json.dumps(asdict(row))
        parse_row(type(row), line, "the record cannot be stored")
    return row, line


def read_rows(path: Path, cls: type[Row], *, repair: bool = False) -> list[Row]:
    """Every row of the file, see `each_row`."""
    with without_collecting():
        return list(each_row(path, cls, repair=repair))


def each_row(path: Path, cls: type[Row], *, repair: bool = False, printable: bool = False) -> Iterator[Row]:
    """The row of every whole line of the file. Raises UserError.

    repair: cut the torn last line that a killed run leaves. printable: bytes of file names that are no UTF-8 are
    spelled out, so that every text can be written down.
    """
    try:
        for number, line in enumerate(jsonl.whole_lines(path, repair=repair), 1):
            yield parse_row(cls, spell_out_bytes(line) if printable else line, f"{path}, line {number}")
    except OSError as error:
        raise UserError(f"Cannot read {path} and cut its torn last line: {error.strerror}; check its rights.") from None


@contextmanager
def without_collecting() -> Iterator[None]:
    """While many rows are read, of which none is garbage: looking for some takes as long as reading them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def records_of(run: Path) -> list[Record]:
    """The last record of each key in a run's folder. Raises UserError where it has no records."""
    path = run / "records.jsonl"
    if not path.is_file():
        raise UserError(f"{run} is no run with records; give a folder that `lic-bench run --out` made.")
    return list({row.key: row for row in read_rows(path, Record)}.values())


def parse_row(cls: type[Row], line: str | bytes, source: str, fix: str = FIX) -> Row:
    """The row of a line of JSON. Raises UserError, naming `source`, for another schema and for wrong fields."""
    row = _as_written(cls, line) or _checked(cls, line, source, fix)
    if isinstance(row, Record) and (problem := _contradiction(row)):
        raise UserError(f"{source}: {problem}; {fix}.")
    if isinstance(row, Record) and row.schema <= WITHOUT_PARTS and row.status == "ok":
        row = replace(row, parts=_parts_of(row))
    if row.schema <= WITHOUT_FAILURE and row.status == "failed":
        kinds = (kind for pattern, kind in FAILURE_BY_ERROR.items() if re.match(pattern, row.error or ""))
        return replace(row, failure=next(kinds, "error"))
    return row


def _as_written(cls: type[Row], line: str | bytes) -> Row | None:
    """The row of a line that ends as ours do, in a third of the time of `_checked`; None if that must see to it."""
    if (line.encode() if isinstance(line, str) else line).endswith(ENDINGS):
        with suppress(UserError):
            return validated(cls, line, "", "")
    return None


def _checked(cls: type[Row], line: str | bytes, source: str, fix: str) -> Row:
    values = read_object(line, source, READABLE, fix)
    checked = spell_out_bytes(line)
    row = validated(cls, checked, source, fix)
    return row if checked == (line.encode() if isinstance(line, str) else line) else cls(**values)


def _parts_of(record: Record) -> list[str]:
    """What an older record measured, as its fields tell. It is taken to have phases where it has times."""
    there = [part for part, (first, *_) in FIELDS_OF_PART.items() if getattr(record, first) not in (None, [], {})]
    return [part for part in FIELDS_OF_PART if part in there or (part == "phases" and "latency" in there)]


def _contradiction(record: Record) -> str | None:
    """Fields that cannot stand together.

    Beside each time stand a reading of the reference workload and a start, or none at all. What has no pixels failed.
    """
    if record.status == "ok" and not (record.width and record.height):
        return f"{'width' if record.width == 0 else 'height'} = 0 should be greater than 0"
    for name, samples in (("encode_s", record.encode_s), ("decode_s", record.decode_s)):
        for beside, others in (("canary_s", record.canary_s), ("starts", record.starts)):
            if samples and others and len(samples) != len(others):
                return f"{name} has {len(samples)} values, {beside} {len(others)}"
    return None
