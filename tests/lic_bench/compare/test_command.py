"""`lic-bench compare` from the command line: every exit code, every file, runs from folders and from commits."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from lic_bench import cli
from lic_bench.compare.comparable import NotComparable
from lic_bench.errors import UserError
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run

Make = Callable[..., Any]
TIMES = {"canary_s": [0.01] * 24, "decode_s": [0.020, 0.021, 0.022] * 8}
ACCEPTED = """\
[[accepted]]
codec = "jpeg"
metric = "{metric}"
change = {change}
who = "Ada"
why = "marker added"
date = 2026-11-22
"""


@pytest.fixture
def compare(
    command_line: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """`lic-bench compare arguments` in the folder of the runs."""
    monkeypatch.chdir(tmp_path)
    return partial(command_line, "compare")


@pytest.fixture
def pair(
    stored: Make, record: Callable[..., Record], complexity: Callable[..., Complexity]
) -> Callable[..., list[Run]]:
    """Runs `base` and `new`, alike but for what is given of NEW's record and of its run.json."""

    def make(changed: dict[str, Any] | None = None, **parts: Any) -> list[Run]:
        counts = [complexity()]
        rows = [record(encode_s=[0.050, 0.051, 0.052] * 8, **TIMES)]
        others = [record(**{"encode_s": [0.050, 0.051, 0.052] * 8, **TIMES, **(changed or {})})]
        return [stored(rows, counts), stored(others, counts, name="new", **parts)]

    return make


def test_what_is_alike_is_no_regression(compare: Make, pair: Make) -> None:
    pair()
    code, out, err = compare("base", "new")
    assert (code, err) == (cli.OK, "")
    assert out.startswith("BASE base\nNEW  new\n")
    assert "No regression: " in out
    assert "elic: 3 numbers the same" in out
    assert "--confirm" not in out


def test_all_shows_every_number(compare: Make, pair: Make) -> None:
    pair()
    code, out, _ = compare("base", "new", "--all")
    assert code == cli.OK
    assert "numbers the same" not in out
    assert all(name in out for name in ("encode_s", "payload_bytes", "bitstream_sha256", "parameters", "327.7 MMAC"))


def test_a_byte_more_is_a_regression_in_every_output(compare: Make, pair: Make, tmp_path: Path) -> None:
    pair({"payload_bytes": 20_001})
    files = {name: tmp_path / "out" / name for name in ("c.md", "c.json", "c.xml")}
    options = ["--markdown", files["c.md"], "--json", files["c.json"], "--junit", files["c.xml"], "--github"]
    code, out, _ = compare("base", "new", *options)
    assert code == cli.FAILED
    assert "20000 B" in out
    assert "20001 B" in out
    assert "results/accepted.toml" in out
    annotation = next(line for line in out.splitlines() if line.startswith("::"))
    assert annotation.startswith(
        "::error title=jpeg q50 kodak payload_bytes::WORSE: 20000 B -> 20001 B, +0.005 %25: +1"
    )
    assert "### :x: Regression: 1 worse" in files["c.md"].read_text(encoding="utf-8")
    written = json.loads(files["c.json"].read_text())
    assert [row["metric"] for row in written["verdicts"] if row["fails"]] == ["payload_bytes"]
    assert Xml.fromstring(files["c.xml"].read_bytes()).get("failures") == "1"


def test_a_slower_encoder_is_told_what_to_do_next(compare: Make, pair: Make) -> None:
    pair({"encode_s": [0.070, 0.071, 0.072] * 8})
    code, out, _ = compare("base", "new")
    assert code == cli.FAILED
    words = " ".join(out.split())
    assert "50.00 ms" in out
    assert "70.00 ms" in out
    assert "measured once" in words
    assert "--confirm measures them again" in words


def test_a_run_json_with_nothing_in_its_parts_is_no_traceback(compare: Make, pair: Make, tmp_path: Path) -> None:
    pair()
    for name in ("base", "new"):
        file = tmp_path / name / "run.json"
        parts = json.loads(file.read_text())
        file.write_text(json.dumps(parts | {"images": None, "fingerprint": None, "environment": None}))
    assert compare("base", "new")[0] == cli.OK
    file.write_text(json.dumps(parts | {"config": None}))
    code, _, err = compare("base", "new")
    assert code == NotComparable.exit_code
    assert "config" in err or "qualities" in err


@pytest.mark.parametrize("where", ["results/accepted.toml", "other.toml"])
def test_what_was_accepted_is_no_regression_and_named(compare: Make, pair: Make, tmp_path: Path, where: str) -> None:
    pair({"payload_bytes": 20_001})
    file = tmp_path / where
    file.parent.mkdir(exist_ok=True)
    file.write_text(ACCEPTED.format(metric="payload_bytes", change=0.001))
    options = ["--accepted", where] if where == "other.toml" else []
    code, out, _ = compare("base", "new", "--markdown", "c.md", *options)
    assert code == cli.OK
    assert "\n ACCEPTED " in out
    assert "accepted by Ada on 2026-11-22: marker added" in (tmp_path / "c.md").read_text()
    assert "No regression: 1 worse and accepted" in out


def test_an_entry_about_no_codec_is_a_note(compare: Make, pair: Make, tmp_path: Path) -> None:
    pair()
    (tmp_path / "a.toml").write_text(ACCEPTED.format(metric="payload_bytes", change=0.1).replace("jpeg", "jpgg"))
    code, out, _ = compare("base", "new", "--accepted", "a.toml", "--json", "c.json")
    said = "a.toml, number 1 (jpgg payload_bytes): no such codec here. Did you mean 'jpeg'?"
    assert (code, said in out) == (cli.OK, True)
    assert json.loads((tmp_path / "c.json").read_text())["notes"] == [said]


def test_a_gate_lets_more_pass(compare: Make, pair: Make, tmp_path: Path) -> None:
    pair({"payload_bytes": 20_001})
    (tmp_path / "ci.toml").write_text('[metrics.payload_bytes]\ngate = "tolerance"\nrelative = 0.001\n')
    assert compare("base", "new", "--gate", "ci.toml")[0] == cli.OK


def test_other_threads_are_not_comparable_unless_allowed(compare: Make, pair: Make, tmp_path: Path) -> None:
    pair(config={"threads": 2}, fingerprint={"cpu": "Other CPU"})
    code, out, err = compare("base", "new", "--json", "c.json")
    assert (code, out) == (NotComparable.exit_code, "")
    assert "override with --allow machine --allow threads:" in err.splitlines()[0]
    assert err.splitlines()[1:] == [
        "  machine: cpu is Example CPU in BASE, Other CPU in NEW",
        "  threads: threads is 1 in BASE, 2 in NEW",
    ]
    assert not (tmp_path / "c.json").exists()
    assert compare("base", "new", "--allow", "machine")[0] == NotComparable.exit_code
    code, out, err = compare("base", "new", "--allow", "machine", "--allow", "threads")
    assert (code, err) == (cli.OK, "")
    assert "--allow machine: cpu is Example CPU in BASE, Other CPU in NEW\n" in out
    assert "--allow threads: threads is 1 in BASE, 2 in NEW\n" in out


def test_another_version_is_a_note(compare: Make, pair: Make) -> None:
    pair(environment={"git_commit": "fedcba987654"})
    code, out, _ = compare("base", "new")
    assert code == cli.OK
    assert "commit: 0123456789ab in BASE, fedcba987654 in NEW\n" in out


BAD: dict[str, tuple[Sequence[str], str]] = {
    "folder": (["base", "nothing"], "nothing is no run"),
    "git": (["git:base", "new"], "write git:REVISION:FOLDER"),
    "allow": (["base", "new", "--allow", "machin"], "Did you mean 'machine'?"),
    "gate": (["base", "new", "--gate", "none.toml"], "--gate none.toml: cannot be read"),
    "accepted": (["base", "new", "--accepted", "none.toml"], "--accepted none.toml: no such file"),
    "base run": (["base", "new", "--base-run", "lic-bench run"], "add --confirm"),
    "file": (["base", "new", "--json", "base/run.json/c.json"], "Cannot write base/run.json/c.json"),
    "option": (["base", "new", "--markdwn", "x"], "See `lic-bench compare --help`."),
    "argument": (["base"], "See `lic-bench compare --help`."),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_code_2(compare: Make, pair: Make, case: str) -> None:
    pair()
    arguments, said = BAD[case]
    code, _, err = compare(*arguments)
    assert code == cli.BAD_INPUT
    assert said in err
    assert err.startswith("lic-bench: ")
    assert len(err.splitlines()) == 1


ROWS: list[tuple[str, Any]] = [
    *[("payload_bytes", value) for value in ("x", 1.5, True, [1], 10**400, float("nan"))],
    *[("quality", value) for value in ([], None, "50")],
    *[("peak_memory_bytes", value) for value in (None, [], {"weights": "x"}, {"weights": None})],
    *[("canary_s", value) for value in (None, 0.01, ["x"])],
    *[("encode_s", value) for value in ([0.05] * 23 + [10**400], [True] * 24, {})],
    *[("codec", 5), ("dataset", None), ("image", {}), ("status", "fine"), ("width", 0), ("bitstream_sha256", 1)],
    *[("mse_8bit", float("inf")), ("ms_ssim", "0.9"), ("cold_start_s", {"encode": []}), ("starts", [0.5] * 24)],
    *[("phases_s", {"encode/g_a": 1}), ("conditions", []), ("energy_j", None)],
]
INFO: list[tuple[str, str, Any]] = [
    *[("", "images", "x"), ("", "images", {"kodak/kodim01.png": 1}), ("", "config", [1]), ("", "environment", "x")],
    *[("config", name, 1.5) for name in ("measure", "codecs", "qualities", "datasets", "weights", "images", "device")],
    *[("config", name, None) for name in ("measure", "codecs")],
    *[("config", "qualities", {"jpeg": value}) for value in (None, 50, ["50"])],
    *[("config", "weights", {"jpeg": "x"}), ("config", "threads", "1"), ("config", "quick", 0)],
    *[("fingerprint", "programs", []), ("fingerprint", "cores_kept", [0]), ("fingerprint", "packages", "numpy")],
    *[("environment", "git_commit", 1), ("environment", "time", {})],
]


def bad_run(compare: Make, folder: Path, said: str) -> None:
    """NEW is one line, as either side of a comparison, as both, and added to a history."""
    for arguments in (("new", "base"), ("base", "new"), ("new", "new")):
        code, _, err = compare(*arguments)
        assert (code, len(err.splitlines())) == (cli.BAD_INPUT, 1), err
        assert f"{folder.name}/{said}" in err
        assert len(err) < 300
    with pytest.raises(UserError):
        Run(folder)


@pytest.mark.parametrize(("field", "value"), ROWS)
def test_a_record_with_a_wrong_field_is_one_line(
    compare: Make, pair: Make, tmp_path: Path, field: str, value: Any
) -> None:
    file = pair()[1].folder / "records.jsonl"
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: value}) + "\n")
    bad_run(compare, file.parent, f"records.jsonl, line 1: {field}")


@pytest.mark.parametrize(("part", "name", "value"), INFO)
def test_a_run_json_with_a_wrong_value_is_one_line(compare: Make, pair: Make, part: str, name: str, value: Any) -> None:
    file = pair()[1].folder / "run.json"
    info = json.loads(file.read_text())
    (info[part] if part else info)[name] = value
    file.write_text(json.dumps(info))
    bad_run(compare, file.parent, f"run.json: {part}.{name}".replace(": .", ": "))


@pytest.mark.parametrize("name", ["run.json", "records.jsonl", "complexity.jsonl"])
def test_json_too_deep_to_be_read_is_one_line(compare: Make, pair: Make, name: str) -> None:
    file = pair()[1].folder / name
    for depth in (300, 100_000):
        file.write_text('{"schema": ' + "[" * depth + "]" * depth + "}\n")
        bad_run(compare, file.parent, name)


def test_ctrl_c_ends_in_one_line(compare: Make, pair: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    pair()
    monkeypatch.setattr("lic_bench.compare.command.run", interrupted)
    code, out, err = compare("base", "new")
    assert (code, out) == (cli.INTERRUPTED, "")
    assert err == "lic-bench: stopped, nothing was compared.\n"


def git(folder: Path, *arguments: str) -> str:
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *name, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_runs_of_commits(compare: Make, pair: Make, tmp_path: Path) -> None:
    pair({"payload_bytes": 20_001})
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "base")
    git(tmp_path, "commit", "--quiet", "-m", "the run as it was")
    commit = git(tmp_path, "rev-parse", "HEAD")
    code, out, _ = compare(f"git:{commit}:base", "base")
    assert code == cli.OK
    assert f"BASE git:{commit}:base\n" in out
    assert compare(f"git:{commit}:base", "new")[0] == cli.FAILED
    for source, said in ((f"git:{commit}:new", "new"), ("git:nowhere:base", "nowhere")):
        code, _, err = compare(source, "base")
        assert code == cli.BAD_INPUT
        assert said in err
        assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("new", "expected"), [("base", cli.OK), ("new", cli.FAILED), ("nothing", cli.BAD_INPUT)])
def test_a_pipe_that_nobody_reads_changes_no_exit_code_and_no_file(
    pair: Make, tmp_path: Path, new: str, expected: int
) -> None:
    pair({"payload_bytes": 20_001})
    command = [sys.executable, "-m", "lic_bench.cli", "compare", "base", new, "--github", "--json", "c.json"]
    for with_errors in (False, True):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            command, cwd=tmp_path, stdout=write, stderr=write if with_errors else subprocess.PIPE, check=False
        )
        os.close(write)
        assert done.returncode == expected
        assert with_errors or len(done.stderr.splitlines()) == (expected == cli.BAD_INPUT)
    if new != "nothing":
        assert json.loads((tmp_path / "c.json").read_text())["regression"] is (new == "new")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file to which nothing can be written")
def test_a_full_standard_output_is_one_line(pair: Make, tmp_path: Path) -> None:
    pair()
    command = [sys.executable, "-m", "lic_bench.cli", "compare", "base", "new", "--json", "c.json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == cli.BAD_INPUT
    assert done.stderr == "lic-bench: Cannot write to the standard output: No space left on device.\n"
    assert (tmp_path / "c.json").exists()


def test_every_exit_code_of_the_real_program_which_needs_no_torch(pair: Make, stored: Make, tmp_path: Path) -> None:
    base, _ = pair({"payload_bytes": 20_001})
    rows = [Record(**row) for row in base.records.to_dict("records")]
    stored(rows, name="other", config={"threads": 2})
    code = "import sys\nfrom lic_bench.cli import main\n"
    code += "try:\n    main()\nfinally:\n    assert 'torch' not in sys.modules\n"
    asked = {cli.OK: "base", cli.FAILED: "new", cli.BAD_INPUT: "nothing", NotComparable.exit_code: "other"}
    programs = {
        expected: subprocess.Popen(
            [sys.executable, "-c", code, "compare", "base", name],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for expected, name in asked.items()
    }
    for expected, program in programs.items():
        out, err = program.communicate()
        assert program.returncode == expected, err
        assert "Traceback" not in out + err
