"""The codecs of a pull request: the same bits from every process; and the script that compares what they gave."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lalic.biwkv import kernels_on

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
RUN = [
    *("run", "--plugin", str(ROOT / "ci/tiny"), "--plugin", str(ROOT / "tests/plugins/fake")),
    *("--codecs", "fake,lalic-tiny,elic-tiny", "--datasets", "sample", "--limit", "1", "--crop", "70"),
    *("--qualities", "fake=4", "--measure", "quality", "--device", "cpu", "--threads", "1"),
]


def lic_bench(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "lic_bench.cli", *map(str, arguments)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs, base and new, each from a process of its own."""
    folder = tmp_path_factory.mktemp("ci")
    for name in ("base", "new"):
        subprocess.run(lic_bench(*RUN, "--out", folder / name), cwd=folder, check=True, capture_output=True)
    return folder


def compared(runs: Path, out: Path) -> subprocess.CompletedProcess[str]:
    out.mkdir(exist_ok=True)
    command = lic_bench("compare", runs / "base", runs / "new", "--gate", ROOT / "ci.toml")
    return subprocess.run(
        [ROOT / "ci/compare.sh", out, "no-tree", sys.executable, *command],
        env={**os.environ, "GITHUB_STEP_SUMMARY": str(out / "summary.md"), "COLUMNS": "120"},
        cwd=out,
        capture_output=True,
        text=True,
        check=False,
    )


def rows(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]


def change_a_row(run: Path, **values: object) -> None:
    first, *others = rows(run)
    (run / "records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ({**first, **values}, *others)))


def test_two_processes_give_the_same_bits(runs: Path):
    base, new = (
        {row["codec"]: (row["bitstream_sha256"], row["mse_8bit"]) for row in rows(runs / name)}
        for name in ("base", "new")
    )
    assert base.keys() == {"fake", "lalic-tiny", "elic-tiny"}
    assert base == new


def test_the_small_network_computes_with_the_kernels_of_the_codec_that_it_is_of(runs: Path):
    (lalic,) = [row for row in rows(runs / "new") if row["codec"] == "lalic-tiny"]
    assert lalic["kernels"] == kernels_on("cpu")
    assert lalic["weights"] == "random"


def test_compared_with_itself_all_is_the_same(runs: Path, tmp_path: Path):
    done = compared(runs, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No regression" in done.stdout
    assert (tmp_path / "comment.md").read_text() == (tmp_path / "summary.md").read_text()
    assert json.loads((tmp_path / "compare.json").read_text())["regression"] is False
    assert (tmp_path / "compare.xml").is_file()


def test_a_byte_more_is_a_regression(runs: Path, tmp_path: Path):
    worse = tmp_path / "worse"
    copy(runs, worse)
    payload = rows(worse / "new")[0]["payload_bytes"]
    assert isinstance(payload, int)
    change_a_row(worse / "new", payload_bytes=payload + 1)
    done = compared(worse, tmp_path / "out")
    assert done.returncode == 1
    assert "payload_bytes" in done.stdout
    assert "::error" in done.stdout
    assert "Regression" in (tmp_path / "out/comment.md").read_text()


def test_what_cannot_be_compared_is_said_in_the_comment_too(runs: Path, tmp_path: Path):
    other = tmp_path / "other"
    copy(runs, other)
    info = json.loads((other / "new/run.json").read_text())
    info["config"]["threads"] = 7
    (other / "new/run.json").write_text(json.dumps(info))
    done = compared(other, tmp_path / "out")
    assert done.returncode == 3
    assert "exit code 3" in done.stdout
    comment = (tmp_path / "out/comment.md").read_text()
    assert comment == (tmp_path / "out/summary.md").read_text()
    assert "threads is 1 in BASE, 7 in NEW" in comment
    assert not (tmp_path / "out/compare.json").exists()


def test_what_cannot_be_read_of_what_was_accepted_is_said_in_the_comment_too(runs: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert compared(runs, out).returncode == 0
    (out / "results").mkdir()
    (out / "results/accepted.toml").write_text("[[acepted]]")
    done = compared(runs, out)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("accepted.py: Unknown table in results/accepted.toml 'acepted'. Did you mean 'accepted'?")
    comment = (out / "comment.md").read_text()
    assert "Not compared (exit code 2)" in comment
    assert line in comment
    assert not (out / "compare.json").exists()


def copy(source: Path, target: Path) -> None:
    for name in ("base", "new"):
        (target / name).mkdir(parents=True)
        for file in ("run.json", "records.jsonl"):
            (target / name / file).write_bytes((source / name / file).read_bytes())
