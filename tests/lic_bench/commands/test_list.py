from collections.abc import Callable

import pytest

from lic_bench import cli


@pytest.mark.parametrize("what", ["codecs", "datasets", "published"])
def test_lists(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], what: str) -> None:
    assert exit_code("list", what) == cli.OK
    assert {"codecs": "lalic", "datasets": "tecnick", "published": "vtm"}[what] in capsys.readouterr().out


def test_an_unknown_list(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("list", "codec") == cli.BAD_INPUT
    assert "Did you mean 'codecs'?" in capsys.readouterr().err
