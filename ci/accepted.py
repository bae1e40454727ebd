"""What was accepted, for CI.

accepted.py commit: print the last accepted commit, the newest that results/accepted.toml names; else the last tag; else
    HEAD. Tonight's commit is compared with it, so that many small steps add up until someone accepts them.
accepted.py since FOLDER: print, as TOML, the entries that say something new since the commit of the work tree FOLDER:
    what it accepted itself, and changes that it contains, would let the next change for the worse pass too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

from lic_bench.accepted import Accepted, read
from lic_bench.errors import UserError

FILE = Path("results/accepted.toml")


def last_commit() -> str:
    """The commit of the newest entry that names one, else the last tag, else HEAD."""
    named = sorted((entry for entry in read(FILE) if entry.commit), key=lambda entry: entry.date)
    tag = _git("describe", "--tags", "--abbrev=0").stdout.strip()
    return (named[-1].commit if named else None) or tag or "HEAD"


def since(folder: Path) -> list[Accepted]:
    """The entries that neither the work tree's own file has nor are about a commit that it contains."""
    before = read(folder / FILE)
    return [entry for entry in read(FILE) if entry not in before and not _contains(folder, entry.commit)]


def to_toml(entries: list[Accepted]) -> str:
    """The entries as lic_bench.accepted reads them."""
    tables = [{name: value for name, value in asdict(entry).items() if value is not None} for entry in entries]
    return "".join(
        "[[accepted]]\n" + "".join(f"{name} = {_value(value)}\n" for name, value in table.items()) for table in tables
    )


def _value(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML reads JSON's strings but for DEL


def _contains(folder: Path, commit: str | None) -> bool:
    return commit is not None and not _git("-C", str(folder), "merge-base", "--is-ancestor", commit, "HEAD").returncode


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    try:
        print(last_commit() if sys.argv[1] == "commit" else to_toml(since(Path(sys.argv[2]))), end="")
    except UserError as error:
        sys.exit(f"{sys.argv[0]}: {error}")
