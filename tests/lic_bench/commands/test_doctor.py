from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli


def test_doctor_names_what_is_missing_and_its_fix(
    monkeypatch: pytest.MonkeyPatch, exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert exit_code("doctor", "--data-root", tmp_path) == cli.OK
    assert "lic-bench fetch kodak" in capsys.readouterr().out
