"""The runs to compare: a folder, or a folder as a commit of this repository has it, "git:REV:path"."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lic_bench.errors import UserError
from lic_bench.store import Run

GIT = "git:"


@contextmanager
def opened(source: str) -> Iterator[Run]:
    """The run, its folder valid inside. Raises UserError for a source that is none."""
    if not source.startswith(GIT):
        yield _named(Run(Path(source)), source)
        return
    revision, colon, path = source.removeprefix(GIT).rpartition(":")
    inside = not Path(path).is_absolute()  # else it is the work tree that would be read
    if not (colon and revision and path and inside) or revision.startswith("-"):
        raise UserError(
            f"{source!r} is no run of a commit; write git:REVISION:FOLDER, as git:main:results/measured/kodak."
        )
    with TemporaryDirectory(prefix="lic-bench-compare-") as folder:
        _extract(source, revision, path, Path(folder))
        yield _named(Run(Path(folder) / path), source)


def _named(run: Run, source: str) -> Run:
    run.name = source
    return run


def _extract(source: str, revision: str, path: str, folder: Path) -> None:
    if shutil.which("git") is None:
        raise UserError(f"{source}: git is not installed; give a folder.")
    top = _git(source, "rev-parse", "--show-toplevel").decode().strip()
    archive = _git(source, "-C", top, "archive", "--format=tar", f"{revision}^{{commit}}", "--", path)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    if not (folder / path / "run.json").is_file():
        raise UserError(f"{source}: {path} of {revision} is no run: it has no run.json.")


def _git(source: str, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
        raise UserError(f"{source}: {lines[0].removeprefix('fatal: ')}.")
    return done.stdout
