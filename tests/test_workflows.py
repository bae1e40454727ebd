"""The workflows of GitHub: their syntax, what they may, and that they run make targets and nothing else."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lic_bench.compare import gates
from lic_bench.compare.gate_file import read_gates

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
LATENCY = ROOT / ".github/workflows/latency.yml"
PINNED = re.compile(r"[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40})")


def load(file: Path) -> dict[str, Any]:
    return yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # "on" stays a word


JOBS = load(LATENCY)["jobs"]


def steps(job: str, kind: str) -> list[str]:
    return [step[kind] for step in JOBS[job]["steps"] if kind in step]


def all_steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in load(file)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda f: f.name)
def test_actionlint_finds_nothing(file: Path):
    tool = shutil.which("actionlint", path=str(Path(sys.executable).parent)) or shutil.which("actionlint")
    if tool is None:
        pytest.skip("actionlint is not installed: pip install -e '.[dev]'")
    done = subprocess.run([tool, file], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_would_find_something(tmp_path: Path):
    tool = shutil.which("actionlint", path=str(Path(sys.executable).parent)) or shutil.which("actionlint")
    if tool is None:
        pytest.skip("actionlint is not installed: pip install -e '.[dev]'")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(LATENCY.read_text().replace("github.event.pull_request.base.sha", "github.evnt.base"))
    done = subprocess.run([tool, wrong], cwd=ROOT, capture_output=True, text=True, check=False)
    assert 'property "evnt" is not defined' in done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda f: f.name)
def test_every_action_has_its_version_and_every_job_an_end(file: Path):
    for step in all_steps(file):
        assert "run" in step or PINNED.fullmatch(step["uses"])
    for job in load(file)["jobs"].values():
        assert int(job["timeout-minutes"]) <= 180


def test_every_command_is_a_make_target():
    commands = [step["run"] for step in all_steps(LATENCY) if "run" in step]
    assert len(commands) >= 5
    for command in commands:
        make, *targets = command.split()
        assert make == "make"
        assert len(targets) == 1
        options = ["-n", "-o", ".venv/.ready", "BASE=HEAD"]
        subprocess.run([make, *options, *targets], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_without_a_common_commit_make_stops_and_says_what_to_give(tmp_path: Path):
    """No BASE, and a MAIN that is not there: HEAD is not compared with itself."""
    lines = ("VENV := .venv", "BIN := .venv/bin", ".venv/.ready: ;", "include ci/latency.mk", "")
    (tmp_path / "Makefile").write_text("\n".join(lines))
    (tmp_path / "ci").symlink_to(ROOT / "ci")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    env = {name: value for name, value in os.environ.items() if name not in ("BASE", "MAIN", "MAKEFLAGS")}
    done = subprocess.run(["make", "ci-base"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "HEAD and MAIN=origin/main have no commit in common here; give BASE=COMMIT" in done.stderr
    assert not (tmp_path / "build").exists()


def test_make_ci_latency_is_what_a_pull_request_runs():
    rule = re.search(r"^ci-latency:.*\n((\t.*\n)+)", (ROOT / "ci/latency.mk").read_text(), re.MULTILINE)
    assert rule
    assert [f"make {target}" for target in re.findall(r"\$\(MAKE\) (\S+)", rule[1])] == steps("deterministic", "run")


def test_no_job_that_runs_what_it_measures_may_write():
    assert load(LATENCY)["permissions"] == {}
    may_write = {name for name, job in JOBS.items() if "write" in job["permissions"].values()}
    assert may_write == {"comment", "keep"}
    assert not steps("comment", "run")
    assert not [use for use in steps("comment", "uses") if "checkout" in use]
    assert steps("keep", "run") == ["make ci-keep-history"]


def test_a_pull_request_never_reaches_the_gpu_machine():
    own = {name for name, job in JOBS.items() if "self-hosted" in job["runs-on"]}
    assert own == {"statistical"}
    condition = JOBS["statistical"]["if"]
    assert "pull_request" not in condition
    assert "workflow_dispatch" in condition
    assert "schedule" in condition


def test_the_history_is_that_of_the_default_branch():
    condition = JOBS["keep"]["if"]
    assert "github.event_name == 'schedule'" in condition  # its event does not name the default branch
    assert "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)" in condition


def test_what_a_person_types_reaches_the_commands_as_a_variable():
    typed = {name for name, given in load(LATENCY)["on"]["workflow_dispatch"]["inputs"].items() if "type" not in given}
    assert typed == {"base"}
    assert JOBS["statistical"]["env"]["BASE"] == "${{ inputs.base }}"
    assert "BASE" not in re.sub(r"#.*|CI_BASE|BASE=commit", "", (ROOT / "ci/latency.mk").read_text())


def test_the_comment_is_found_again_by_the_mark_that_it_begins_with():
    from lic_bench.compare.output.markdown import MARK

    [script] = [step["with"]["script"] for step in JOBS["comment"]["steps"] if "script" in step.get("with", {})]
    assert f"mark = '{MARK}'" in script
    assert MARK in (ROOT / "ci/compare.sh").read_text()


def test_the_gates_of_pull_requests():
    chosen = read_gates(ROOT / "ci.toml")
    assert chosen.of("encode_s") == chosen.of("decode_s") == gates.Off()
    exact = ("payload_bytes", "header_bytes", "bitstream_sha256", "mse_8bit", "macs", "parameters", "peak_weights")
    assert {chosen.of(metric) for metric in exact} == {gates.Exact()}
    assert isinstance(chosen.of("peak_encode_rss"), gates.Tolerance)
