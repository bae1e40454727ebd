"""Names of files that any system takes, of names that may hold anything."""

import re
from collections.abc import Collection


def file_name(name: str, *, taken: Collection[str] = (), suffix: str = "") -> str:
    """The name with dashes for what is neither letter, digit, dot nor one of _@+, and another one where it is taken."""
    stem = "-".join(re.findall(r"[A-Za-z0-9_.@+]+", name))[:100].lstrip(".") or "unnamed"
    while f"{stem}{suffix}" in taken:
        stem += "_"
    return f"{stem}{suffix}"
