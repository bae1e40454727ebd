"""A folder that one process at a time writes into, and the way to set it aside."""

from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

from lic_bench.errors import UserError
from lic_bench.system.file_lock import take_lock

LOCK = ".lock"


def claim_folder(folder: Path, user: str) -> TextIOWrapper:
    """The folder's lock, held until closed or until the process ends, however it ends; the folder is made if need be.

    user: who has it, in words for the message where another has. Raises UserError where it cannot be had.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}; choose another --out.") from None
    try:
        if take_lock(lock, wait=False):
            return lock
    except OSError as error:
        lock.close()
        raise UserError(f"Cannot lock {folder}: {error.strerror}; choose another --out, on a local disk.") from None
    lock.close()
    raise UserError(f"{folder} is in use by another {user}; wait for it or choose another --out.")


def check_no_strangers(folder: Path, lacking: str) -> None:
    """Raise UserError if a claimed folder without the file `lacking` holds anything else."""
    if strangers := sorted(path.name for path in folder.iterdir() if path.name != LOCK):
        raise UserError(f"{folder} holds other files ({strangers[0]}) and no {lacking}; choose an empty or new --out.")


def set_folder_aside(folder: Path, marker: str, user: str) -> Path | None:
    """Rename a folder that holds the file `marker`, so that a fresh one can begin there; its new place, or None.

    Of a link the link is renamed, and where it leads stays as it is. Raises UserError where another process has it.
    """
    if not (folder / marker).exists():
        return None
    whole = folder.resolve() if folder.name in ("", "..") else folder.absolute()
    with claim_folder(folder, user):
        try:
            return whole.rename(whole.with_name(f"{whole.name}.old-{datetime.now():%Y%m%d-%H%M%S-%f}"))
        except OSError as error:
            raise UserError(f"Cannot set {folder} aside: {error.strerror}; choose another --out.") from None
