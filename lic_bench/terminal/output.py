"""Standard output and standard error, also where nobody reads them or nothing more fits."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console

from lic_bench.errors import UserError

CLOSED = 141  # 128 + SIGPIPE, as a shell says of a program that it ended


class ClosedPipe(SystemExit):
    """Nobody reads the standard output any more."""


class Output(Console):
    """A console that ends the program in order where the standard output can take no more: ClosedPipe, or a UserError.

    What standard error cannot take is lost: the exit code says it too.
    """

    def on_broken_pipe(self) -> None:
        """Called by rich."""
        self._give_up()
        if not self.stderr:
            raise ClosedPipe(CLOSED)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        """Where rich writes."""
        try:
            super().__exit__(exc_type, exc_value, traceback)
        except OSError as error:
            self._give_up()
            if not self.stderr:
                raise UserError(f"Cannot write to the standard output: {error.strerror}.") from None

    def _give_up(self) -> None:
        """Also of what Python would write at its end."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)
