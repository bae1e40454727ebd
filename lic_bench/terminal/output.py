"""Standard output and standard error, also if nobody reads them or nothing more can be written."""

import json
import os
import sys
from typing import Any

from rich.console import Console

from lic_bench.errors import UserError

CLOSED = 141  # exit code; 128 + SIGPIPE, as a shell says of a program that it ended
WIDTH_OF_LOGS = 110  # columns of tables without a terminal to ask


class ClosedPipe(SystemExit):
    """Nobody reads the standard output any more."""


class Output(Console):
    """A console that raises if the standard output can take no more: ClosedPipe, or UserError as for a full disk.

    What standard error cannot take is lost; the exit code tells it as well.
    """

    def say(self, text: str) -> None:
        """One line as it is: without markup, not wrapped."""
        self.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def say_json(self, values: object) -> None:
        """The values as JSON, also if the console is to be quiet."""
        self.quiet, before = False, self.quiet
        self.say(json.dumps(values, indent=1))
        self.quiet = before

    def on_broken_pipe(self) -> None:
        """Called by rich."""
        self._stop()
        if not self.stderr:
            raise ClosedPipe(CLOSED)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        """Rich writes here."""
        try:
            super().__exit__(exc_type, exc_value, traceback)
        except OSError as error:
            trouble = self.give_up(error)
            if not self.stderr:
                raise trouble from None

    def give_up(self, error: OSError) -> UserError:
        """Write nothing more; what to say of it."""
        self._stop()
        return UserError(f"Cannot write to the standard output: {error.strerror}.")

    def _stop(self) -> None:
        """Write nothing more; nor can Python, which flushes its buffers at its end."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def _open_standard_streams() -> None:
    """Make the standard streams take everything: a closed one what goes nowhere, an encoding without a letter its code.

    The place of a closed one would else be given to the next file that is opened, into which others then print.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
        elif number and hasattr(stream := getattr(sys, name), "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


_open_standard_streams()
console = Output(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_LOGS)
errors = Output(stderr=True)
