import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli


def test_doctor_is_short_and_names_what_is_missing_and_its_fix(
    monkeypatch: pytest.MonkeyPatch, exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert exit_code("doctor", "--data-root", tmp_path) == cli.OK
    short = capsys.readouterr().out
    assert "kodak: lic-bench fetch kodak" in short
    assert len(short.splitlines()) < 35
    assert exit_code("doctor", "--data-root", tmp_path, "--verbose") == cli.OK
    whole = "".join(capsys.readouterr().out.split())  # however wide the terminal is
    assert "--codecslalic" in whole
    assert "scipy1" in whole


def test_doctor_as_json(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert exit_code("doctor", "--data-root", tmp_path, "--json") == cli.OK
    findings = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert findings["data set kodak"]["fix"] == "lic-bench fetch kodak"
    assert findings["Python"]["status"] == "ok"
