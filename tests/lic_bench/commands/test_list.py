import json
from collections.abc import Callable

import pytest

from lic_bench import cli


@pytest.mark.parametrize("what", ["codecs", "datasets", "published"])
def test_lists(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], what: str) -> None:
    assert exit_code("list", what) == cli.OK
    assert {"codecs": "lalic", "datasets": "tecnick", "published": "vtm"}[what] in capsys.readouterr().out


@pytest.mark.parametrize("what", ["codecs", "datasets", "published"])
def test_lists_as_json(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], what: str) -> None:
    assert exit_code("list", what, "--json") == cli.OK
    key = {"codecs": "codec", "datasets": "data set", "published": "slug"}[what]
    assert {"codecs": "lalic", "datasets": "tecnick", "published": "vtm-9.1"}[what] in {
        row[key] for row in json.loads(capsys.readouterr().out)
    }


def test_details_of_codecs(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("list", "codecs", "ftic", "vtm") == cli.OK
    out = capsys.readouterr().out
    assert "ICLR 2024" in out
    assert "Model" in out
    assert exit_code("list", "codecs", "lalc") == cli.BAD_INPUT
    assert "Did you mean 'lalic'?" in capsys.readouterr().err
    assert exit_code("list", "datasets", "kodak") == cli.BAD_INPUT
    assert "only codecs have details" in capsys.readouterr().err


def test_an_unknown_list(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("list", "codec") == cli.BAD_INPUT
    assert "Did you mean 'codecs'?" in capsys.readouterr().err
