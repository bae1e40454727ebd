"""`lic-bench history` through the real command line."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.history.history_file import read
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
ENTRY = """
[[accepted]]
codec = "fake"
metric = "{metric}"
change = 0.5
who = "A. Author"
why = "worth it"
date = 2026-03-20
"""


@pytest.fixture
def call(command_line: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    """`lic-bench history arguments`."""
    return partial(command_line, "history")


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def weeks(tmp_path: Path, stored_run: MakeRun, call: Call, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The history of 16 nights on a machine whose pace wavers; from the ninth on encoding is 20 % slower."""
    monkeypatch.chdir(tmp_path)  # no results/accepted.toml there
    runs = []
    for night in range(16):
        time = f"{date(2026, 3, 1) + timedelta(days=night)}T02:00:00+00:00"
        changes = {"slower": 1.2 if night >= 8 else 1.0, "machine_slower": 1 + 0.1 * (night % 3)}
        environment = {"time": time, "git_commit": f"{night:012x}"}
        runs.append(stored_run(tmp_path / f"run{night}", environment=environment, **changes).folder)
    code, out, _ = call("add", *runs, "--into", tmp_path / "history")
    assert code == cli.OK
    assert out.count("lines added to") == 16
    return tmp_path / "history"


def test_runs_are_added_once(tmp_path: Path, stored_run: MakeRun, call: Call) -> None:
    folder = stored_run(tmp_path / "run").folder
    assert "11 lines added to" in call("add", folder, "--into", tmp_path / "history")[1]
    before = read(tmp_path / "history")
    assert len(before) == 11
    assert "0 lines added" in call("--into", tmp_path / "history", "add", folder)[1]
    assert read(tmp_path / "history") == before


def test_one_run_has_no_steps_and_says_so(tmp_path: Path, stored_run: MakeRun, call: Call) -> None:
    call("add", stored_run(tmp_path / "run").folder, "--into", tmp_path / "history")
    code, out, _ = call("--into", tmp_path / "history")
    assert code == cli.OK
    assert "One run shows no steps yet: they take two, of times and resident memory 6." in out
    assert "OPEN" not in out
    later = stored_run(tmp_path / "later", environment={"time": "2026-03-02T02:00:00+00:00", "git_commit": "1" * 12})
    call("add", later.folder, "--into", tmp_path / "history")
    assert "Nothing is OPEN." in call("--into", tmp_path / "history")[1]


def test_a_run_that_was_changed_after_it_was_added_is_told(tmp_path: Path, stored_run: MakeRun, call: Call) -> None:
    folder = stored_run(tmp_path / "run").folder
    call("add", folder, "--into", tmp_path / "history")
    records = folder / "records.jsonl"
    records.write_text(records.read_text().replace('"payload_bytes": 1000', '"payload_bytes": 1010'))
    _, out, _ = call("add", folder, "--into", tmp_path / "history")
    assert "0 lines added" in out
    assert "11 lines there already, 1 with other values" in out


def test_the_history_names_what_got_worse_and_where(weeks: Path, call: Call) -> None:
    code, out, _ = call("--into", weeks, "--metric", "encode_s,payload_bytes")
    assert code == cli.OK
    (row,) = [line.split() for line in out.splitlines() if "OPEN" in line and "+20.0 %" in line]
    assert row[:3] == ["OPEN", "fake", "1"]
    assert "0000000" in row
    assert "1 step OPEN" in out
    assert "decode_s" not in out


def test_an_open_step_fails_only_if_asked_to(weeks: Path, call: Call) -> None:
    assert call("--into", weeks)[0] == cli.OK
    assert call("--into", weeks, "--fail-on-open")[0] == cli.FAILED
    assert call("--into", weeks, "--fail-on-open", "--metric", "payload_bytes,mse_8bit")[0] == cli.OK


def test_an_accepted_step_says_who_and_why_and_fails_nothing(weeks: Path, call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(ENTRY.format(metric="encode_s") + ENTRY.format(metric="decode_s"))
    code, out, _ = call("--into", weeks, "--accepted", tmp_path / "a.toml", "--fail-on-open")
    assert code == cli.OK
    assert "accepted by A. Author on 2026-03-20: worth it" in out
    assert "Nothing is OPEN." in out


def test_an_entry_of_no_step_is_told_unless_series_are_left_out(weeks: Path, call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(ENTRY.format(metric="encode_s") + ENTRY.format(metric="macs") + "quality = 1")
    _, out, _ = call("--into", weeks, "--accepted", tmp_path / "a.toml")
    assert "a.toml, number 2 (fake 1 macs): no such step." in out
    assert "number 1" not in out
    assert "no such step" not in call("--into", weeks, "--accepted", tmp_path / "a.toml", "--metric", "encode_s")[1]


def test_the_default_file_of_accepted_changes_is_read(weeks: Path, call: Call, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results/accepted.toml").write_text(ENTRY.format(metric="decode_s"))
    assert "1 step OPEN" in call("--into", weeks, "--metric", "encode_s")[1]
    (tmp_path / "results/accepted.toml").write_text(ENTRY.format(metric="encode_s"))
    assert "Nothing is OPEN" in call("--into", weeks, "--metric", "encode_s")[1]


def test_figures_go_where_they_are_asked_to(weeks: Path, call: Call, tmp_path: Path) -> None:
    _, out, _ = call("--into", weeks, "--metric", "encode_s", "--out", tmp_path / "figures")
    assert "2 files in" in out
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".png", ".svg"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--codec", "fke"], "Did you mean 'fake'?"),
        (["--metric", "encode"], "Did you mean 'encode_s'?"),
        (["--machine", "intel"], "Unknown --machine 'intel'"),
        (["--accepted", "nowhere.toml"], "no such file"),
        (["--codec", ","], "--codec is empty"),
        (["--into", "nowhere"], "lic-bench history add RUN"),
        (["add"], "Missing argument"),
        (["add", "nowhere"], "is no run"),
        (["ad"], "No such command 'ad'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(weeks: Path, call: Call, arguments: list[str], says: str) -> None:
    into = [] if "--into" in arguments else ["--into", str(weeks)]
    code, _, err = call(*into, *arguments)
    assert code == cli.BAD_INPUT
    assert says in err
    assert err.count("\n") == 1


def test_a_misspelt_history_is_answered_with_the_nearest(weeks: Path, call: Call, tmp_path: Path) -> None:
    weeks.rename(tmp_path / "history")
    (tmp_path / "histroy").mkdir()
    (tmp_path / "histroyy").mkdir()  # a run, and nearer
    for name in ("run.json", "records.jsonl"):
        (tmp_path / "histroyy" / name).touch()
    code, _, err = call("--into", tmp_path / "histroy")
    assert code == cli.BAD_INPUT
    assert f"histroy holds no history. Did you mean '{tmp_path}/history'? Add runs to it: lic-bench history add" in err


def test_names_that_no_series_has_together_are_refused(weeks: Path, call: Call, stored_run: MakeRun) -> None:
    code, _, err = call("--into", weeks, "--codec", "fake", "--metric", "encode_s,macs")
    assert (code, err) == (cli.OK, "")
    lines = (weeks / next(weeks.glob("*.jsonl")).name).read_text().splitlines()
    other = lines[0].replace('"fake"', '"other"').replace('"intel', '"amd')
    (weeks / "amd.jsonl").write_text(other + "\n")
    code, _, err = call("--into", weeks, "--codec", "other", "--metric", "encode_s")
    assert code == cli.BAD_INPUT
    assert "No series has all of" in err


def test_a_run_without_a_whole_data_set_is_not_added(tmp_path: Path, stored_run: MakeRun, call: Call) -> None:
    run = stored_run(tmp_path / "run", asked=3)
    (run.folder / "complexity.jsonl").unlink()
    code, _, err = call("add", run.folder, "--into", tmp_path / "history")
    assert code == cli.BAD_INPUT
    assert "nothing to add" in err
    assert not (tmp_path / "history").exists()
