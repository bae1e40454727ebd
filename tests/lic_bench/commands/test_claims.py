"""`lic-bench claims`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
CommandLine = Callable[..., tuple[int, str, str]]


def test_what_ships_passes_strict(command_line: CommandLine) -> None:
    code, out, err = command_line("claims", "--strict")
    assert (code, err) == (cli.OK, "")
    for number in range(1, 6):
        assert f"LALIC's Table {number}" in out
    assert "differs by +0.27" in out  # TCM-large on CLIC
    assert "digits were swapped" in " ".join(out.split())


def test_strict_fails_where_nothing_explains(make_run: MakeRun, tmp_path: Path, command_line: CommandLine) -> None:
    make_run(tmp_path / "r", {"elic": 1.0}, images=0, weights={"elic": "random"})
    assert command_line("claims", tmp_path / "r")[0] == cli.OK
    code, out, _ = command_line("claims", tmp_path / "r", "--strict")
    assert code == cli.FAILED
    assert "+29.95" in out
    assert "2 unexplained)" in out.splitlines()[-1]


def test_json_has_every_claim(command_line: CommandLine) -> None:
    code, out, _ = command_line("claims", "--json")
    claims = {claim["name"]: claim for claim in json.loads(out)}
    assert code == cli.OK
    lalic = claims["1/LALIC (Ours)/bd_rate_psnr_pct/kodak"]
    assert (lalic["verdict"], lalic["printed"]["text"]) == ("reproduced", "-15.26%")
    assert lalic["recomputed"]["value"] == pytest.approx(-15.264, abs=1e-3)


def test_a_folder_without_a_run_is_bad_input(command_line: CommandLine, tmp_path: Path) -> None:
    code, out, err = command_line("claims", tmp_path)
    assert (code, out) == (cli.BAD_INPUT, "")
    assert "is no run" in err


def test_two_runs_of_one_name(make_run: MakeRun, tmp_path: Path, command_line: CommandLine) -> None:
    for place in ("a", "b"):
        make_run(tmp_path / place / "r", {"elic": 1.0}, images=0, weights={"elic": "random"})
    code, out, _ = command_line("claims", tmp_path / "a/r", tmp_path / "b/r", "--json")
    claims = {claim["name"]: claim for claim in json.loads(out)}
    assert code == cli.OK
    sources = [found["source"] for found in claims["1/ELIC/params_m"]["measured"]]
    assert sources == [str(tmp_path / "a/r"), str(tmp_path / "b/r")]
