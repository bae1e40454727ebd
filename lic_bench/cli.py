"""The program `lic-bench`: signals are heeded before the commands are imported, which takes a while."""

import os
import sys
import threading

from lic_bench.commands.exit_codes import BAD_INPUT as BAD_INPUT
from lic_bench.commands.exit_codes import BROKEN as BROKEN
from lic_bench.commands.exit_codes import FAILED as FAILED
from lic_bench.commands.exit_codes import INTERRUPTED as INTERRUPTED
from lic_bench.commands.exit_codes import OK as OK
from lic_bench.system import stop_signals


def main() -> None:
    """Run the command that the arguments name. Ends by SystemExit."""
    code = OK
    try:
        stop_signals.raise_on_signals()
        from lic_bench.commands.verbs import run_verb

        code = run_verb()
    except (KeyboardInterrupt, stop_signals.Terminated):
        code = INTERRUPTED
    sys.exit(stop_signals.exit_code() or code)


def program() -> None:
    """As `main`, but ends at once where threads that a codec has left behind would go on for ever."""
    try:
        main()
    except SystemExit as ended:
        stop_signals.leave_to_system()
        if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended.code if isinstance(ended.code, int) else bool(ended.code))
        raise


if __name__ == "__main__":
    program()
