"""The store of one run: a folder with run.json and append-only JSON Lines, safe against being killed at any moment."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd

from lic_bench.errors import UserError
from lic_bench.store import jsonl as lines
from lic_bench.store.json_types import parse
from lic_bench.store.records import READABLE, SCHEMA, Complexity, Record, from_json, to_json
from lic_bench.store.run_json import shape_of
from lic_bench.system.file_lock import take_lock
from lic_bench.system.whole_file import DRAFT, write_whole

Row = TypeVar("Row", Record, Complexity)


class Log(Generic[Row]):
    """One append-only JSON Lines file. Opening it again is how a run resumes.

    keys: what is stored; failed: key -> row, of those whose last row is a failed one.
    """

    def __init__(self, path: Path, cls: type[Row]) -> None:
        self.path = path
        self.keys: set[tuple[str | int, ...]] = set()
        self.failed: dict[tuple[str | int, ...], Row] = {}
        for row in _read(path, cls, repair=True):
            self._note(row)

    def append(self, row: Row) -> None:
        """Write one line and force it to the disk. On failure the file is as before, and a UserError says why."""
        try:
            lines.append(self.path, json.dumps(to_json(row), allow_nan=False) + "\n")
        except OSError as error:
            raise UserError(
                f"Cannot write {self.path}: {error.strerror}. The {len(self.keys)} records there are safe; "
                "make room and run the same command again to go on."
            ) from None
        self._note(row)

    def _note(self, row: Row) -> None:
        self.keys.add(row.key)
        self.failed.pop(row.key, None)
        if row.status == "failed":
            self.failed[row.key] = row


class Store:
    """One run's folder, held by one process at a time."""

    def __init__(self, folder: Path, run: dict[str, Any]) -> None:
        """Open `folder` for the run described by `run`, {"config": {...}, "environment": {...}, ...}.

        A new folder gets run.json; an old one must have been made with the same config and a like machine.
        """
        self._lock = _locked(folder)
        try:
            _claim(folder, run)
            self.records = Log(folder / "records.jsonl", Record)
            self.complexity = Log(folder / "complexity.jsonl", Complexity)
        except BaseException:
            self._lock.close()
            if not (folder / "run.json").exists():
                (folder / ".lock").unlink(missing_ok=True)  # a folder that is not ours stays as it was
            raise

    def close(self) -> None:
        """Give the folder free."""
        self._lock.close()


class Run:
    """A stored run, read back: `name`, `info` (run.json), `records` and `complexity` as frames, one row per key.

    Where a key was measured again (--retry-failed) the last row counts.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "run.json").is_file():
            raise UserError(f"{folder} is no run: it has no run.json; give a folder that `lic-bench run --out` made.")
        self.folder = folder
        self.name = folder.resolve().name
        self.info = _read_run(folder / "run.json")
        self.records = _frame(folder / "records.jsonl", Record)
        self.complexity = _frame(folder / "complexity.jsonl", Complexity)


def set_aside(folder: Path) -> Path | None:
    """Rename the run in `folder` so that a fresh one can begin there; its new place, None if there was no run."""
    if not (folder / "run.json").exists():
        return None
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    whole = folder.resolve()
    with _locked(folder):
        try:
            return whole.rename(whole.with_name(f"{whole.name}.old-{stamp}"))
        except OSError as error:
            raise UserError(f"Cannot set {folder} aside: {error.strerror}; choose another --out.") from None


def _locked(folder: Path) -> TextIOWrapper:
    """The folder's lock, held until closed or until the process ends, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}; choose another --out.") from None
    try:
        if take_lock(lock, wait=False):
            return lock
        complaint = f"{folder} is in use by another lic-bench run; wait for it or choose another --out."
    except OSError as error:
        complaint = f"Cannot lock {folder}: {error.strerror}; choose another --out, on a local disk."
    lock.close()
    raise UserError(complaint)


def _claim(folder: Path, run: dict[str, Any]) -> None:
    """Write run.json into a new folder, or check that the old one agrees."""
    path = folder / "run.json"
    if path.exists():
        _check_same(folder, _read_run(path), run)
        return
    for draft in folder.glob(f"run.json.*{DRAFT}"):
        draft.unlink()  # of a process that was killed
    if strangers := sorted(p.name for p in folder.iterdir() if p.name != ".lock"):
        raise UserError(f"{folder} holds other files ({strangers[0]}) and no run.json; choose an empty or new --out.")
    _write_whole(path, {"schema": SCHEMA, **run})


def _check_same(folder: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    fresh = "with --fresh to set the old run aside"
    for part, advice in (("config", fresh), ("images", fresh), ("fingerprint", "on the same machine")):
        before, now = old.get(part) or {}, json.loads(json.dumps(new.get(part, {})))
        changed = [k for k in sorted(set(before) | set(now)) if before.get(k) != now.get(k)]
        if changed:
            what = "; ".join(f"{k} was {before.get(k)!r}, now {now.get(k)!r}" for k in changed[:3])
            raise UserError(f"{folder} holds a run of another {part} ({what}); choose another --out, or run {advice}.")


def _write_whole(path: Path, values: dict[str, Any]) -> None:
    """Write JSON so that the file is there whole or not at all."""
    try:
        write_whole(path, json.dumps(values, indent=1))
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}; make room or choose another --out.") from None


def _read_run(path: Path) -> dict[str, Any]:
    try:
        values = parse(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); remove that folder or choose another --out.") from None
    if not isinstance(values, dict) or values.get("schema") not in READABLE:
        found = values.get("schema") if isinstance(values, dict) else None
        raise UserError(f"{path}: schema {found!r}, this version reads {SCHEMA}; measure again with --fresh.")
    if told := shape_of(values):
        raise UserError(f"{path}: {told}; measure again with --fresh.")
    return {name: value for name, value in values.items() if value is not None}


def _read(path: Path, cls: type[Row], *, repair: bool = False) -> list[Row]:
    """Every whole line of the file. A killed run leaves a torn last line: it never counted, and `repair` cuts it."""
    try:
        whole = lines.whole(path, repair=repair)
    except OSError as error:
        raise UserError(f"Cannot read {path} and cut its torn last line: {error.strerror}; check its rights.") from None
    rows = []
    for number, line in enumerate(whole, 1):
        try:
            values = parse(line)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise UserError(f"{path}, line {number}: not JSON; remove that line or measure again with --fresh.")
        rows.append(from_json(cls, values, f"{path}, line {number}"))
    return rows


def _frame(path: Path, cls: type[Row]) -> pd.DataFrame:
    last = {row.key: row for row in _read(path, cls)}
    return pd.DataFrame([to_json(row) for row in last.values()], columns=[f.name for f in fields(cls)])
