"""Writing a file so that readers, and whoever comes after a crash, find it whole or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

DRAFT = ".tmp"  # end of the name of a file that is being written; of a killed writer it stays


def write_whole(path: Path, data: str | bytes) -> None:
    """Write `data` (text: as UTF-8) to a draft beside `path`, force it to the disk, and rename it to `path`.

    Several processes and threads may write the same file: the last one counts. Raises OSError, `path` as it was before.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}{DRAFT}")
    try:
        with draft.open("xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
