"""The folder of one run: Store writes it, Run reads it back."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd

from lic_bench.errors import UserError, printable
from lic_bench.store.grown_run import joined_runs
from lic_bench.store.json_validation import spell_out_bytes
from lic_bench.store.record_log import RecordLog, each_row, without_collecting
from lic_bench.store.records import SCHEMA, Complexity, Record, Row, Throughput
from lic_bench.store.run_json import read_run_json, write_run_json
from lic_bench.system.claimed_folder import check_no_strangers, claim_folder, set_folder_aside
from lic_bench.system.whole_file import DRAFT

USER = "lic-bench run"
SHARED_LISTS = ("starts", "parts")  # fields whose lists are the same in many rows
OFTEN_EMPTY = ("phases_s", "perceptual", "perceptual_by", "energy_j")  # fields with dicts
ALLOWED = ("commit",)  # names of --allow: what may differ from the run that is gone on with
UNKNOWN_COMMIT = "unknown"  # noted by rows that an installation without its repository added to a run that has a commit


class Store:
    """One run's folder, held by one process at a time."""

    def __init__(self, folder: Path, run: dict[str, Any], *, allow: Collection[str] = ()) -> None:
        """Open `folder` for the run described by `run`, {"config": {...}, "environment": {...}, ...}.

        A new folder gets run.json. An old one grows by what is new, see grown_run.joined_runs; it must be of the same
        commit, but for what `allow` names. Records of another commit note it.
        """
        self._lock = claim_folder(folder, USER)
        self._path = folder / "run.json"
        try:
            commit = _claim(folder, run, allow)
            self.records = RecordLog(folder / "records.jsonl", Record, commit)
            self.complexity = RecordLog(folder / "complexity.jsonl", Complexity, commit)
            self.throughput = RecordLog(folder / "throughput.jsonl", Throughput, commit)
        except BaseException:
            self._lock.close()
            if not (folder / "run.json").exists():
                (folder / ".lock").unlink(missing_ok=True)  # a folder that is not ours stays as it was
            raise

    def note_workers(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        """Say in run.json who measured: name, as in the records -> what is known of that worker of a cluster."""
        values = read_run_json(self._path)
        known = {**(values.get("workers") or {}), **workers}
        if known != values.get("workers"):
            write_run_json(self._path, {**values, "workers": known})

    def close(self) -> None:
        """Give the folder free."""
        self._lock.close()


class Run:
    """A stored run, read back: `name`, `info` (run.json); `records`, `complexity`, `throughput` as frames.

    One row per key.

    Where a key was measured again (--retry-failed) the last row counts. The column `commit` says what commit of
    lic-bench measured a row, also where that is the run's own.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        """name: the folder's if None."""
        if not (folder / "run.json").is_file():
            raise UserError(f"{folder} is no run: it has no run.json; give a folder that `lic-bench run --out` made.")
        self.folder = folder
        self.name = printable(name or folder.resolve().name)
        self.info = json.loads(spell_out_bytes(json.dumps(read_run_json(folder / "run.json"))))
        commit = _commit_of(self.info)
        self.records = _frame(folder / "records.jsonl", Record, commit)
        self.complexity = _frame(folder / "complexity.jsonl", Complexity, commit)
        self.throughput = _frame(folder / "throughput.jsonl", Throughput, commit)

    @property
    def commits(self) -> list[str | None]:
        """The commits that measured its rows, each once, in the order of the rows; None where none is known."""
        commits = pd.concat([self.records.commit, self.complexity.commit, self.throughput.commit])
        return list(dict.fromkeys(commits.astype(object).where(commits.notna(), None)))

    def by_commit(self) -> list[Run]:
        """The run in parts: the rows of each commit, with that commit in its run.json."""
        return [self._part(commit) for commit in self.commits]

    def _part(self, commit: str | None) -> Run:
        part = copy(self)
        for name in ("records", "complexity", "throughput"):
            commits = getattr(self, name).commit
            setattr(part, name, getattr(self, name)[commits.isna() if commit is None else commits == commit])
        known = None if commit == UNKNOWN_COMMIT else commit
        part.info = {**self.info, "environment": {**(self.info.get("environment") or {}), "git_commit": known}}
        return part


def set_aside(folder: Path) -> Path | None:
    """Rename the run in `folder` so that a fresh one can begin there; its new place, None if there was no run."""
    return set_folder_aside(folder, "run.json", USER)


def _claim(folder: Path, run: dict[str, Any], allow: Collection[str]) -> str | None:
    """Write run.json into a new folder, or check that the old one agrees; the commit that new rows must note."""
    path = folder / "run.json"
    if not path.exists():
        for draft in folder.glob(f"run.json.*{DRAFT}"):
            draft.unlink()  # of a process that was killed
    contents, commit = check_run(folder, run, allow)
    if not path.exists() or contents != read_run_json(path):
        write_run_json(path, contents)
    return commit


def check_run(folder: Path, run: dict[str, Any], allow: Collection[str]) -> tuple[dict[str, Any], str | None]:
    """What run.json will hold, and the commit that new rows must note. Writes nothing.

    Raises UserError where this run may not go there.
    """
    path = folder / "run.json"
    if path.exists():
        old = read_run_json(path)
        return joined_runs(folder, old, run), _other_commit(folder, _commit_of(old), _commit_of(run), allow)
    if folder.exists():
        check_no_strangers(folder, "run.json")
    return {"schema": SCHEMA, **run}, None


def _other_commit(folder: Path, old: str | None, new: str | None, allow: Collection[str]) -> str | None:
    """The commit that new rows note: None if it is the run's. A run that knows no commit is gone on with at any."""
    if old == new:
        return None
    if old is not None and "commit" not in allow:
        raise UserError(
            f"{folder} holds a run of lic-bench commit {old}, this is {new or UNKNOWN_COMMIT}; choose another --out, "
            "set that run aside with --fresh, or go on with --allow commit."
        )
    return new or UNKNOWN_COMMIT


def _commit_of(run: dict[str, Any]) -> str | None:
    return (run.get("environment") or {}).get("git_commit")


def _frame(path: Path, cls: type[Row], commit: str | None) -> pd.DataFrame:
    """commit: of rows that note none."""
    names = [field.name for field in fields(cls)]
    values_of: Callable[[Row], tuple[Any, ...]] = attrgetter(*names)
    share = _Sharing(names)
    place: int = names.index("commit")
    last: dict[tuple[str | int, ...], tuple[Any, ...]] = {}
    with without_collecting():
        for row in each_row(path, cls, printable=True):
            values: tuple[Any, ...] = share(values_of(row))
            last[row.key] = values if row.commit else (*values[:place], commit, *values[place + 1 :])
    return pd.DataFrame(list(last.values()), columns=names)


class _Sharing:
    """Puts one list or empty dict in place of many equal ones, for a tenth of the memory of a run."""

    def __init__(self, names: Sequence[str]) -> None:
        self._lists = [names.index(name) for name in SHARED_LISTS if name in names]
        self._dicts = [names.index(name) for name in OFTEN_EMPTY if name in names]
        self._known: dict[tuple[Any, ...], list[Any]] = {}
        self._empty: dict[str, Any] = {}

    def __call__(self, values: Iterable[Any]) -> tuple[Any, ...]:
        shared = [*values]
        for at in self._lists:
            shared[at] = self._known.setdefault((at, *shared[at]), shared[at])
        for at in self._dicts:
            shared[at] = shared[at] or self._empty
        return tuple(shared)
