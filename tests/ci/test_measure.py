"""The run of CI: what may fail in BASE may not in NEW."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "ci/measure.sh"
# Stands where `lic-bench run` does: leaves a file in the folder after --out and ends with the code.
ENDS = """
import pathlib, sys
code, name, _, out = sys.argv[1:]
pathlib.Path(out).mkdir()
(pathlib.Path(out) / name).touch()
sys.exit(int(code))
"""


def measure(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("which", "code", "expected"),
    [("base", 0, 0), ("base", 1, 0), ("base", 2, 2), ("new", 0, 0), ("new", 1, 1), ("new", 2, 2), ("new", 130, 130)],
)
def test_failed_records_pass_in_base_alone(tmp_path: Path, which: str, code: int, expected: int):
    out = tmp_path / "o u t"
    out.mkdir()
    (out / "old").touch()
    done = measure(which, out, sys.executable, "-c", ENDS, code, "run.json", cwd=tmp_path)
    assert done.returncode == expected, done.stderr
    assert list(out.iterdir()) == [out / "run.json"]


def test_a_base_that_left_no_run_is_an_error(tmp_path: Path):
    done = measure("base", tmp_path / "out", sys.executable, "-c", ENDS, 1, "log", cwd=tmp_path)
    assert done.returncode == 1


@pytest.mark.parametrize("arguments", [(), ("new",), ("new", "out")])
def test_with_too_few_arguments_it_deletes_nothing_of_its_own(tmp_path: Path, arguments: tuple[str, ...]):
    copy = tmp_path / "measure.sh"
    copy.write_bytes(SCRIPT.read_bytes())
    copy.chmod(0o755)
    done = subprocess.run([copy, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert copy.read_bytes() == SCRIPT.read_bytes()


@pytest.mark.slow
def test_a_codec_that_fails_is_an_error_of_new(tmp_path: Path):
    plugin = ROOT / "tests/plugins/broken"
    run = [sys.executable, "-m", "lic_bench.cli", "run", "--plugin", plugin, "--codecs", "broken"]
    options = ["--datasets", "sample", "--limit", "1", "--crop", "64", "--measure", "quality", "--device", "cpu"]
    codes = [measure(which, tmp_path / which, *run, *options, cwd=tmp_path).returncode for which in ("base", "new")]
    assert codes == [0, 1]
    assert (tmp_path / "new/records.jsonl").is_file()
