"""Jobs of a queue: what each would be, and what becomes of those not taken, by commands that stand for Slurm's."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lic_bench.errors import UserError
from lic_bench.run.cluster import queue_jobs
from lic_bench.run.cluster.cluster_option import QUEUES, ClusterChoice
from lic_bench.run.cluster.connection import connected

REFUSES = 'echo "sbatch: error: the queue is closed" >&2; exit 1'
TAKES = 'cp "$1" "$1.job"; setsid sh "$1.job" > "$(dirname "$0")/job.log" 2>&1 & echo "Submitted batch job $!"'
REFUSES_ONCE = f'if mkdir "$(dirname "$0")/refused" 2> /dev/null; then {REFUSES}; fi; {TAKES}'


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a `sbatch` of these words on PATH, and a `scancel` that ends what it started."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(sbatch: str) -> Path:
        for name, words in (("sbatch", sbatch), ("scancel", 'kill -- "-$1"; touch "$(dirname "$0")/cancelled"')):
            (folder / name).write_text(f"#!/bin/sh\n{words}\n")
            (folder / name).chmod(0o755)
        return folder

    return write


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.filterwarnings("ignore:OAR Job memory")
@pytest.mark.parametrize("kind", QUEUES)
def test_each_queue_takes_what_it_is_given(kind: str) -> None:
    named = {} if kind == "htcondor" else {"time": "01:30:00", "queue": "long"}
    choice = ClusterChoice(kind=kind, cores=2, memory="4GB", directives=["a = b"], setup=["module load x"], **named)  # type: ignore[arg-type]
    job_class = queue_jobs._cluster_class(choice).job_cls
    arguments = queue_jobs._arguments(choice)
    for of_the_cluster in ("scheduler_options", "silence_logs"):
        del arguments[of_the_cluster]
    script = job_class("tcp://here:1", name="x", **arguments).job_script()
    for part in (
        "a = b",
        "module load x",
        "export OMP_NUM_THREADS=2",
        "--memory-limit 0",
        "tcp://here:1",
        *named.values(),
    ):
        assert part in script


def test_ctrl_c_stays_ours() -> None:
    before = "import signal; signal.signal(signal.SIGINT, before := lambda *_: None)"
    words = "queue_jobs._cluster_class(ClusterChoice(kind='slurm')); print(signal.getsignal(signal.SIGINT) is before)"
    names = (
        "from lic_bench.run.cluster import queue_jobs; from lic_bench.run.cluster.cluster_option import ClusterChoice"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{names}\n{words}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_slurm_gives_gpus_and_whole_machines() -> None:
    arguments = queue_jobs._arguments(ClusterChoice(kind="slurm", gpus=2, alone=True))
    assert arguments["job_extra_directives"] == ["--gres=gpu:2", "--exclusive"]
    assert arguments["worker_extra_args"][-2:] == ["--resources", "machine=1"]


@pytest.mark.parametrize(
    ("sbatch", "said"), [(REFUSES, "no job was taken: sbatch: error: the queue is closed; see"), ("exit 3", "code: 3")]
)
def test_a_queue_that_takes_no_job_ends_the_run_in_one_line(
    sbatch: str, said: str, slurm: Any, stack: ExitStack, capfd: pytest.CaptureFixture[str]
) -> None:
    slurm(sbatch)
    with pytest.raises(UserError) as error:
        stack.enter_context(connected(ClusterChoice(kind="slurm", workers=2), print))
    assert str(error.value).startswith("--cluster of kind slurm: no job was taken: ")
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    stack.close()
    assert capfd.readouterr() == ("", "")


def test_a_machine_without_the_queue_s_commands_is_one_line(stack: ExitStack) -> None:
    with pytest.raises(UserError, match=r"no job was taken: .*No such file or directory: 'msub'"):
        stack.enter_context(connected(ClusterChoice(kind="moab"), print))


@pytest.mark.slow
@pytest.mark.usefixtures("fake_codecs")
def test_a_job_that_is_not_taken_is_submitted_again(
    slurm: Any, images: Path, tmp_path: Path, there: Any, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = slurm(REFUSES_ONCE)
    monkeypatch.setattr(queue_jobs, "AGAIN_S", 0.5)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3] / "plugins"))
    cluster = tmp_path / "cluster.toml"
    cluster.write_text('kind = "slurm"\nworkers = 2\nmemory = "2GB"\n')
    assert there(images, tmp_path / "run", str(cluster), heard).stored == 9
    assert heard.noted("2 jobs go to slurm")
    assert heard.noted("a job was not taken, and is submitted again: sbatch: error: the queue is closed")
    assert (folder / "cancelled").exists()
