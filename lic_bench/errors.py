"""UserError, which stands for bad input, with the nearest name in its messages; exceptions that are kept."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Bad input. The message is one line: what came, what is allowed, the nearest fix. Exit code 2, no traceback."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str) -> str:
    """The text with its lone surrogates spelled out, which no file in UTF-8 can hold: "caf\\udce9.png".

    Python makes them of the bytes of a file name that is not UTF-8.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not one of `known`. It offers the nearest known name, if one is near."""
    names = sorted(known)
    return UserError(f"Unknown {kind} {name!r}.{hint(name, names)} Known: {', '.join(names) or 'none'}.")


def hint(name: str, known: Iterable[str]) -> str:
    """The sentence " Did you mean 'jpeg'?" if one of the known names is near, else ""."""
    near = get_close_matches(name, sorted(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def without_traceback(error: Exception) -> Exception:
    """The exception without its frames and causes, which would keep alive what was in them, as tensors."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
