"""The program `lic-bench`: signals are heeded before anything else is imported, which takes a while."""

import os
import sys
import threading

from lic_bench.system import stop_signals


def main() -> None:
    """Entry point. Ends by SystemExit; at once where threads that a codec has left behind would go on for ever."""
    code: object = 0
    try:
        stop_signals.raise_on_signals()
        from lic_bench import cli

        cli.main()
    except SystemExit as ended:
        code = ended.code
    except (KeyboardInterrupt, stop_signals.Terminated):
        code = stop_signals.exit_code()
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else bool(code))
    sys.exit(code)  # type: ignore[arg-type]  # as it was


if __name__ == "__main__":
    main()
