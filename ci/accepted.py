"""What was accepted since a commit, for CI.

accepted.py FOLDER: print, as TOML, the entries of results/accepted.toml that say something new since the commit of the
    work tree FOLDER: what it accepted itself, and changes that it contains, would let the next worsening pass too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

from lic_bench.compare.accepted import Accepted, read_accepted
from lic_bench.errors import UserError

FILE = Path("results/accepted.toml")


def entries_since(folder: Path) -> list[Accepted]:
    """The entries that neither the work tree's own file has nor are about a commit that it contains."""
    before = read_accepted(folder / FILE)
    return [entry for entry in read_accepted(FILE) if entry not in before and not _contains(folder, entry.commit)]


def lost_commits() -> list[str]:
    """A line for each entry whose commit is not in this repository, be it squashed or rebased."""
    return [
        f"{FILE} number {number}: commit {entry.commit} is not in this repository; the entry counts without it."
        for number, entry in enumerate(read_accepted(FILE), 1)
        if entry.commit and _git("rev-parse", "-q", "--verify", f"{entry.commit}^{{commit}}").returncode
    ]


def to_toml(entries: list[Accepted]) -> str:
    """The entries as lic_bench.compare.accepted reads them."""
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
        sys.stderr.writelines(f"{line}\n" for line in lost_commits())
        print(to_toml(entries_since(Path(sys.argv[1]))), end="")
    except UserError as error:
        print(f"accepted.py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
