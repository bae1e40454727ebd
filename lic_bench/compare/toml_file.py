"""TOML files that hold one table, with errors that say what is wrong with them."""

import tomllib
from pathlib import Path
from typing import Any

from lic_bench.errors import UserError, unknown


def read_table(path: Path, name: str, subject: str, default: Any) -> Any:
    """The value of this top-level name, the default without one. Raises UserError for other names and for no TOML.

    subject: begins the message for a file that is no TOML, as "--gate ci.toml:".
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{subject} cannot be read as TOML ({reason}).") from None
    for other in content:
        if other != name:
            raise unknown(f"table in {path}", other, [name])
    return content.get(name, default)
