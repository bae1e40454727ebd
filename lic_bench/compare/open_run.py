"""Opening a run to compare: a folder, or "git:REV:FOLDER", the folder in a commit of this repository."""

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from lic_bench.errors import UserError
from lic_bench.store.run_folder import Run
from lic_bench.system.git import GitError, git

GIT = "git:"
FILES = ("run.json", "records.jsonl", "complexity.jsonl", "throughput.jsonl")  # of a run; what else is there stays


@contextmanager
def open_run(source: str) -> Iterator[Run]:
    """The run; its folder exists until the context ends. Raises UserError for a source that is no run."""
    if not source.startswith(GIT):
        yield Run(Path(source), source)
        return
    revision, colon, path = source.removeprefix(GIT).rpartition(":")
    inside = not Path(path).is_absolute()  # else it is the work tree that would be read
    if not (colon and revision and path and inside) or revision.startswith("-"):
        raise UserError(
            f"{source!r} is no run of a commit; write git:REVISION:FOLDER, as git:main:results/measured/kodak."
        )
    with TemporaryDirectory(prefix="lic-bench-compare-") as folder:
        _extract(source, revision, path, Path(folder))
        yield Run(Path(folder) / path, source)


def _extract(source: str, revision: str, path: str, folder: Path) -> None:
    top = _git(source, "rev-parse", "--show-toplevel").decode().strip()
    ask = partial(_git, source, "-C", top, "--literal-pathspecs")
    commit, names = f"{revision}^{{commit}}", [f"{path.rstrip('/')}/{name}" for name in FILES]
    if present := os.fsdecode(ask("ls-tree", "-z", "--name-only", commit, "--", *names)).split("\0")[:-1]:
        archive = ask("archive", "--format=tar", commit, "--", *present)
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(folder, filter="data")
        except (tarfile.TarError, OSError) as error:
            raise UserError(f"{source} cannot be unpacked: {error}.") from None
    if not (folder / path / "run.json").is_file():
        raise UserError(f"{source}: {path} of {revision} is no run: it has no run.json.")


def _git(source: str, *arguments: str) -> bytes:
    try:
        return git(*arguments)
    except GitError as error:
        raise UserError(f"{source}: {error}.") from None
