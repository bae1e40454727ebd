"""The one exception that stands for bad input, the nearest-name hint its messages carry, and exceptions to be kept."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Bad input. The message is one line: what came, what is allowed, the nearest fix. Exit code 2, no traceback."""

    exit_code = 2


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not one of `known`, with the nearest known name if there is one."""
    names = sorted(known)
    return UserError(f"Unknown {kind} {name!r}.{hint(name, names)} Known: {', '.join(names) or 'none'}.")


def hint(name: str, known: Iterable[str]) -> str:
    """ " Did you mean 'jpeg'?" if one of the known names is near, else ""."""
    near = get_close_matches(name, sorted(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def bare(error: Exception) -> Exception:
    """The exception without its frames and what led to it, which keep all that was in them alive, as tensors."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
