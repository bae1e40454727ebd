"""The verbs of the command line: one file for each beside this one, errors in one line, exit codes."""

import traceback
from typing import Any

import typer

from lic_bench.codecs import lazy_compressai
from lic_bench.commands.compare import compare
from lic_bench.commands.doctor import doctor
from lic_bench.commands.exit_codes import BAD_INPUT, BROKEN, OK
from lic_bench.commands.fetch import fetch
from lic_bench.commands.history import history_app
from lic_bench.commands.list import list_known
from lic_bench.commands.report import report
from lic_bench.commands.run import run
from lic_bench.commands.scale import scale
from lic_bench.commands.train import train
from lic_bench.errors import UserError
from lic_bench.system import stop_signals
from lic_bench.terminal.output import console, errors

USAGE_ERROR: type[Exception] = typer.BadParameter.__base__  # type: ignore[assignment]  # UsageError of click, or of typer's own copy of it

app = typer.Typer(
    name="lic-bench",
    help="Measure image codecs: rate, distortion, latency, memory, complexity; report BD-rates, tables and figures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, scale, report, compare):
    app.command()(command)
app.add_typer(history_app, name="history")
app.command("list")(list_known)
app.command()(doctor)
app.command()(fetch)
app.command()(train)


def run_verb() -> int:
    """Run the command that the arguments name; its exit code. A UserError becomes one line and its exit code."""
    lazy_compressai.install_lazy_imports()
    try:
        return app(prog_name="lic-bench", standalone_mode=False) or OK
    except Exception as error:
        return stop_signals.exit_code() or _said(error)  # a signal that was swallowed has consequences of any kind


def _said(error: Exception) -> int:
    """The exit code of an error, after it was said."""
    if isinstance(error, UserError):
        errors.say(f"lic-bench: {error}")
        return error.exit_code
    if isinstance(error, USAGE_ERROR):
        _print_usage_error(error)
        return BAD_INPUT
    traceback.print_exception(error)
    return BROKEN  # not FAILED, which would say that something is worse


def _print_usage_error(error: Any) -> None:
    """One line; the help if there were no arguments."""
    message = error.format_message()
    if "\n" in message:
        console.print(message, markup=False, highlight=False)
        return
    command = error.ctx.command_path if error.ctx else "lic-bench"
    errors.say(f"lic-bench: {message.rstrip('.')}. See `{command} --help`.")
