"""Two real processes that take turns, and what becomes of the other when one fails, ends or never comes."""

import sys
from pathlib import Path

import pytest

from lic_bench.compare.turn_server import take_turns
from lic_bench.errors import UserError
from lic_bench.run import turn_client

ROUNDS = """
import sys
from pathlib import Path
from lic_bench.run.turn_client import in_turn
name, log, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
with in_turn(name) as pass_on:
    for number in range(rounds):
        with log.open("a") as file:
            file.write(f"{name} begins\\n")
            file.write(f"{name} ends\\n")
        if number + 1 < rounds:
            pass_on()
"""


def runs(log: Path, **rounds: int) -> dict[str, list[str]]:
    return {name: [sys.executable, "-c", ROUNDS, name, str(log), str(count)] for name, count in rounds.items()}


def test_two_runs_work_in_turn_and_the_longer_one_goes_on_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    take_turns(runs(log, a=6, b=3))
    lines = log.read_text().splitlines()
    assert all(line.split()[0] == lines[i + 1].split()[0] for i, line in enumerate(lines) if line.endswith("begins"))
    order = "".join(line[0] for line in lines if line.endswith("begins"))
    assert order[:6] == "abbaab"
    assert order[6:] == "aaa"


def test_a_run_that_fails_is_named_with_its_last_words(tmp_path: Path) -> None:
    broken = [sys.executable, "-c", "print('some'); raise SystemExit('no such codec')"]
    with pytest.raises(UserError, match=r"ended with exit code 1: no such codec$"):
        take_turns(runs(tmp_path / "log", a=3) | {"b": broken})


def test_a_run_that_knows_no_turns_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"took no turns: its lic-bench is older than --confirm"):
        take_turns(runs(tmp_path / "log", a=3) | {"b": [sys.executable, "-c", "pass"]})


def test_a_run_that_dies_amid_its_turn_ends_it_all(tmp_path: Path) -> None:
    dying = ROUNDS.replace("pass_on()", "import os; os.abort()")
    with pytest.raises(UserError, match=r"was ended by SIGABRT"):
        take_turns(runs(tmp_path / "log", a=3) | {"b": [sys.executable, "-c", dying, "b", str(tmp_path / "log"), "3"]})


def test_the_other_does_not_go_on_after_a_failure(tmp_path: Path) -> None:
    log = tmp_path / "log"
    failing = ROUNDS.replace("pass_on()", "sys.exit('broken')")
    with pytest.raises(UserError, match=r"ended with exit code 1: broken$"):
        take_turns(runs(log, a=1000) | {"b": [sys.executable, "-c", failing, "b", str(log), "3"]})
    assert log.read_text().count("a begins") < 10


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Cannot run /no/such: No such file or directory; look at --base-run"):
        take_turns({"a": ["/no/such"], **runs(tmp_path / "log", b=1)})


def test_nobody_gives_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not turn_client.is_asked()
    monkeypatch.setenv(turn_client.VARIABLE, str(tmp_path / "nobody"))
    assert turn_client.is_asked()
    with (
        pytest.raises(UserError, match=r"nobody there gives turns \(No such file or directory\)"),
        turn_client.in_turn("a"),
    ):
        pass
