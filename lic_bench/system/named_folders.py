"""Folders that an option or an environment variable names."""

from pathlib import Path

from lic_bench.errors import UserError


def named_folder(name: str | Path | None) -> Path | None:
    """The folder of that name, with ~ and ~user as homes; None for None and for an empty text.

    Everything in which a user names a folder comes through here: the shell leaves ~ as it is in --out=~/run and in
    quotes, and never sees it in a variable that a file sets. A folder that has no name there, as ".", comes with its
    own, so that another can take its place. Raises UserError for a home that is not known.
    """
    if name is None or name == "":
        return None
    try:
        folder = Path(name).expanduser()
    except RuntimeError:
        raise UserError(f"Folder {str(name)!r}: that home is not known; give the whole path.") from None
    return folder.resolve() if folder.name in ("", "..") else folder
