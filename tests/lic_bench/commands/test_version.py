from collections.abc import Callable

import pytest

from lic_bench import __version__, cli


def test_the_version(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == cli.OK
    assert capsys.readouterr().out == f"lic-bench {__version__}\n"
