import subprocess
import sys
from collections.abc import Callable

import pytest
import typer

from lic_bench import cli
from lic_bench.cli import app


def test_an_error_of_its_own_is_neither_bad_input_nor_a_regression(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], exit_code: Callable[..., int]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr("lic_bench.report.write_report.write_report", broken)
    assert exit_code("report") == cli.BROKEN
    assert "ZeroDivisionError: a mistake" in capsys.readouterr().err


def test_a_missing_argument_is_one_line(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("list") == cli.BAD_INPUT
    said = capsys.readouterr().err.lower()
    assert said == "lic-bench: missing argument 'what'. see `lic-bench list --help`.\n"


def test_without_arguments_there_is_help(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code() == cli.BAD_INPUT
    assert "doctor" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list", "codecs"], ["list", "datasets"], ["list", "published"], ["report", "--help"]]
)
def test_light_commands_do_not_import_torch(arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["lic-bench", *{arguments!r}]
from lic_bench import cli
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.exit(int(any(heavy in sys.modules for heavy in ("torch", "matplotlib", "pandas"))))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_ctrl_c_is_no_error_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], exit_code: Callable[..., int]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lic_bench.fetch.fetch_datasets.fetch_dataset", interrupt)
    assert exit_code("fetch", "kodak") == cli.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_every_verb_has_a_file_of_its_name() -> None:
    verbs = typer.main.get_command(app()).commands
    modules = {verb: command.callback.__module__.rpartition(".")[2] for verb, command in verbs.items()}
    names = ["run", "scale", "report", "claims", "compare", "history", "export", "list", "doctor", "show", "analyze"]
    names += ["metrics", "fetch", "train"]
    others = {"import": "import_", "decode-check": "decode_check"}  # `import` is a word that Python keeps for itself
    assert modules == {**{name: name for name in names}, **others}
