"""The order, limits and outcomes of `make gpu-check`; its end-to-end parts on a CPU."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

import psutil
import pytest
import torch

ROOT = Path(__file__).parents[2]
FOREVER = "import time; time.sleep(3600)"
# What a machine with torch and the usual scientific packages has; everything else is carried there.
USUAL = {
    *("jinja2", "matplotlib", "numpy", "nvidia-ml-py", "packaging", "pandas", "pillow", "psutil"),
    *("rich", "scipy", "setuptools", "torch", "torchvision", "typer"),
}
SPARED = {"plotly"}  # 10 MB; without it the figures of a report's page are static


@pytest.fixture(scope="module")
def check(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("gpu_check")


@pytest.fixture
def part(check: ModuleType) -> Callable[..., Any]:
    """A part of Python programs."""

    def make(*programs: str, **fields: Any) -> Any:
        commands = [[sys.executable, "-c", program] for program in programs]
        return check.Part(**{"name": "part", "commands": commands, "least_s": 0, "limit_s": 60} | fields)

    return make


def results(check: ModuleType, *wanted: Any, budget: float = 600, on_gpu: bool = True) -> list[Any]:
    return list(check.carried_out(wanted, monotonic() + budget, on_gpu=on_gpu))


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", str(ROOT / "benchmarks/gpu_check.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_others_run_whatever_fails(check: ModuleType, part: Callable[..., Any]) -> None:
    crash = part("import os; os.abort()")
    fails = part("print('first')", "print('oh no'); raise SystemExit(7)", "print('last')")
    found = results(check, crash, fails, part("pass"))
    assert [(one.outcome, one.exit_code) for one in found] == [("failed", -6), ("failed", 7), ("passed", 0)]
    assert found[1].tail == "first\noh no\nlast"
    assert found[2].tail is None
    assert not check.good(found)
    assert check.good(found[2:])


def test_a_part_that_hangs_is_stopped_with_what_it_started(
    check: ModuleType, part: Callable[..., Any], tmp_path: Path
) -> None:
    child = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', '{FOREVER}']).pid, flush=True); "
    (found, after) = results(check, part(child + FOREVER, "print('not reached')", limit_s=3), part("pass"))
    assert (found.outcome, found.exit_code) == ("stopped", None)
    assert found.why == "took longer than 3 s"
    pid = int(found.tail)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert not check.good([found])
    assert after.outcome == "passed"


def test_what_is_skipped_says_why(check: ModuleType, part: Callable[..., Any]) -> None:
    (found,) = results(check, part("pass", least_s=30), budget=check.RESERVED_S + 20)
    assert (found.outcome, found.why) == ("skipped", "needs 30 s, of the budget 20 s are left")
    (found,) = results(check, part("pass", needs=("torch", "no_such_package")))
    assert (found.outcome, found.why) == ("skipped", "not installed: no_such_package")
    (found,) = results(check, part("pass", gpu_only=True), on_gpu=False)
    assert (found.outcome, found.why) == ("skipped", "needs a GPU")
    assert check.good([found])


def test_every_part_has_what_it_runs(check: ModuleType, tmp_path: Path) -> None:
    options = check._parser().parse_args(["--into", str(tmp_path)])
    found = check.parts(options, tmp_path)
    assert [one.name for one in found] == check.NAMES == options.parts
    for one in found:
        assert one.least_s < one.limit_s
        for command in one.commands:
            scripts = [Path(word) for word in command[1:] if str(word).endswith(".py")]
            assert all(file.is_file() for file in scripts)
    assert sum(one.least_s for one in found) + check.RESERVED_S < options.budget
    named = {one.name: str(one.commands[0]) for one in found}
    assert "lalic,lalic@cuda-graphs,lalic@tf32" in named["variants"]
    assert "lalic,lalic@compile'" in named["compiled"]
    tests = {one.name: one.commands[0] for one in found if "tests" in one.name}
    assert all(str(file).startswith(str(ROOT / "tests/lalic")) for file in tests["biwkv-tests"][-2:])
    assert not set(tests["biwkv-tests"][-2:]) & set(tests["tests"])


@pytest.mark.slow
def test_the_bench_end_to_end_on_a_cpu(tmp_path: Path) -> None:
    wanted = ["--parts", "few-blocks,run,scale", "--codecs", "jpeg", "--scaled", "jpeg", "--sizes", "64"]
    done = call("--device", "cpu", "--into", tmp_path, *wanted, "--commit", "0123abcd")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = tmp_path.iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    outcomes = {one["name"]: one["outcome"] for one in summary["parts"]}
    assert outcomes == {"few-blocks": "skipped", "run": "passed", "scale": "passed"}
    assert (summary["good"], summary["commit"], summary["torch"]) == (True, "0123abcd", torch.__version__)
    assert summary["before"]["time"] <= summary["after"]["time"]
    assert "run: 4 records, nothing is missing" in done.stdout
    assert len((folder / "scale/records.jsonl").read_text().splitlines()) == 1


@pytest.mark.slow
def test_a_failed_part_is_exit_code_1(tmp_path: Path) -> None:
    done = call("--device", "cpu", "--into", tmp_path, "--parts", "run", "--codecs", "no-such-codec")
    assert done.returncode == 1
    (file,) = tmp_path.glob("*/summary.json")
    (part,) = json.loads(file.read_text())["parts"]
    assert (part["outcome"], part["exit_code"]) == ("failed", 2)
    assert "no-such-codec" in part["tail"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_gpu_is_one_line(tmp_path: Path) -> None:
    done = call("--into", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "torch finds no CUDA device: the GPU check needs one.\n"
    assert not list(tmp_path.iterdir())


def test_an_unknown_part_is_named(tmp_path: Path) -> None:
    done = call("--into", tmp_path, "--parts", "rum")
    assert done.returncode == 2
    assert "no part 'rum'; there are biwkv-tests, " in done.stderr


def test_what_the_bench_needs_is_usual_on_a_gpu_machine_or_carried_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.match(r"[\w-]+", text)[0].lower() for text in project["dependencies"]}
    lists = re.findall(r"^GPU_(?:WHEELS|BUILT|AS_HERE) = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    carried = {name.lower() for names in lists for name in re.findall(r"[\w-]+", names.partition("#")[0])}
    assert needed <= USUAL | carried | SPARED
