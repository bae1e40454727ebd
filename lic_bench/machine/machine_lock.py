"""One timed run at a time on a machine: another one waits."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lic_bench.errors import UserError
from lic_bench.system.file_lock import take_lock


def lock_file() -> Path:
    """What a timed run holds; the same for all users that share a folder for temporary files."""
    return Path(tempfile.gettempdir()) / "lic-bench-times.lock"


@contextmanager
def hold_machine(note: Callable[[str], None]) -> Iterator[None]:
    """Hold the machine against other timed runs; while another one holds it, say so once and wait.

    The lock ends with its process, however that ends. Raises UserError where the lock cannot be made.
    """
    try:
        handle = _opened(lock_file())
    except OSError as error:
        raise UserError(f"Cannot open {lock_file()}: {error.strerror}; name another folder by TMPDIR.") from None
    try:
        if not take_lock(handle, wait=False):
            note("waiting: another lic-bench run is taking times on this machine")
            take_lock(handle, wait=True)
        yield
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    """For reading, which is enough to lock it: it may belong to another user."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    with contextlib.suppress(FileNotFoundError):
        return os.open(path, flags)
    handle = os.open(path, flags | os.O_CREAT, 0o644)
    os.fchmod(handle, 0o644)  # whatever the umask is
    return handle
