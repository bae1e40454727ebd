"""The program `lic-bench`: finds the verb, turns errors into one line and an exit code.

The verbs are imported within `app` only, as that takes a while and signals are to be heeded before it.
"""

from __future__ import annotations

import os
import sys
from errno import ENOSPC

from lic_bench.commands.exit_codes import BAD_INPUT as BAD_INPUT
from lic_bench.commands.exit_codes import BROKEN as BROKEN
from lic_bench.commands.exit_codes import FAILED as FAILED
from lic_bench.commands.exit_codes import INTERRUPTED as INTERRUPTED
from lic_bench.commands.exit_codes import OK as OK
from lic_bench.system import stop_signals

TYPE_CHECKING = False  # as typing's, see lic_bench
if TYPE_CHECKING:
    from typing import Any

    from typer import Typer

COMPLETION = "_LIC_BENCH_COMPLETE"  # variable by which a shell asks what may come next


def main() -> None:
    """Run the command that the arguments name. Ends by SystemExit."""
    code = OK
    try:
        stop_signals.raise_on_signals()
        code = _run_verb()
    except (KeyboardInterrupt, stop_signals.Terminated):
        code = INTERRUPTED
    sys.exit(stop_signals.exit_code() or code)


def program() -> None:
    """As `main`, but ends at once where threads that a codec has left behind would go on for ever."""
    try:
        main()
    except SystemExit as ended:
        stop_signals.leave_to_system()
        import threading

        if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended.code if isinstance(ended.code, int) else bool(ended.code))
        raise


def app() -> Typer:
    """The command line: one file of lic_bench.commands for each verb."""
    import typer

    from lic_bench.commands.analyze import analyze
    from lic_bench.commands.claims import claims
    from lic_bench.commands.compare import compare
    from lic_bench.commands.decode_check import decode_check
    from lic_bench.commands.doctor import doctor
    from lic_bench.commands.export import export
    from lic_bench.commands.fetch import fetch
    from lic_bench.commands.history import history_app
    from lic_bench.commands.import_ import import_points
    from lic_bench.commands.list import list_known
    from lic_bench.commands.metrics import metrics
    from lic_bench.commands.report import report
    from lic_bench.commands.run import run
    from lic_bench.commands.scale import scale
    from lic_bench.commands.show import show
    from lic_bench.commands.train import train
    from lic_bench.commands.version import program_options

    verbs = typer.Typer(
        name="lic-bench",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    verbs.callback()(program_options)
    for command in (run, scale, report, claims, compare):
        verbs.command()(command)
    verbs.add_typer(history_app, name="history")
    verbs.command("import")(import_points)
    verbs.command()(export)
    verbs.command()(metrics)
    verbs.command("list")(list_known)
    verbs.command()(doctor)
    verbs.command()(show)
    verbs.command()(analyze)
    verbs.command("decode-check")(decode_check)
    verbs.command()(fetch)
    verbs.command()(train)
    return verbs


def _run_verb() -> int:
    """Run the command that the arguments name; its exit code. A UserError becomes one line and its exit code."""
    from lic_bench.codecs import lazy_compressai
    from lic_bench.terminal.output import CLOSED, ClosedPipe, console

    console.quiet = False  # as --quiet of an earlier call in this process left it
    lazy_compressai.install_lazy_imports()
    try:
        return app()(prog_name="lic-bench", standalone_mode=False) or OK
    except SystemExit as ended:
        if isinstance(ended, ClosedPipe):
            raise
        if COMPLETION in os.environ or not ended.code:
            return int(ended.code or OK)
        return CLOSED  # of typer, which printed the help, with an exit code that means something else here
    except Exception as error:
        return stop_signals.exit_code() or _said(error)  # a signal that was swallowed has consequences of any kind


def _said(error: Exception) -> int:
    """The exit code of an error, after it was said."""
    import traceback

    import typer

    from lic_bench.errors import UserError
    from lic_bench.terminal.output import console, errors

    if isinstance(error, OSError) and error.errno == ENOSPC and error.filename is None:  # the help, by typer
        error = console.give_up(error)
    if isinstance(error, UserError):
        errors.say(f"lic-bench: {error}")
        return error.exit_code
    usage_error = typer.BadParameter.__base__  # UsageError of click, or of typer's own copy of it
    if usage_error and isinstance(error, usage_error):
        _print_usage_error(error)
        return BAD_INPUT
    traceback.print_exception(error)
    return BROKEN  # not FAILED, which would say that something is worse


def _print_usage_error(error: Any) -> None:
    """One line; the help if there were no arguments."""
    from lic_bench.terminal.output import console, errors

    message = error.format_message()
    if "\n" in message:
        console.print(message, markup=False, highlight=False)
        return
    command = error.ctx.command_path if error.ctx else "lic-bench"
    sentence = message.rstrip(".")
    errors.say(f"lic-bench: {sentence}{'' if sentence.endswith('?') else '.'} See `{command} --help`.")


if __name__ == "__main__":
    program()
