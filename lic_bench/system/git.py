"""Asking git about a repository."""

import subprocess
from pathlib import Path

TIMEOUT_S = 60.0


class GitError(Exception):
    """git is not installed, or says no; its first line."""


def git(*arguments: str, home: Path | None = None) -> bytes:
    """What `git arguments` prints, in `home` or else in the current folder. Raises GitError."""
    place = [] if home is None else ["-C", str(home)]
    try:
        done = subprocess.run(["git", *place, *arguments], capture_output=True, check=False, timeout=TIMEOUT_S)
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise GitError(f"git cannot be run: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
        raise GitError(said[0].removeprefix("fatal: "))
    return done.stdout
