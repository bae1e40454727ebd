"""Whole runs on a scheduler and two workers, and what is checked before they begin."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lic_bench.errors import UserError
from lic_bench.run.cluster import connection

pytestmark = pytest.mark.usefixtures("fake_codecs")
Go = Callable[..., Any]
NOBODY = "tcp://127.0.0.1:9"
KEPT = {"measure": "quality,perceptual", "metrics": "fsim,psnr-hvs", "save": "pictures,bitstreams"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_S", 2)


def info(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "run.json").read_text())
    return found


def workers_of(out: Path) -> set[str]:
    return {json.loads(line)["worker"] for line in (out / "records.jsonl").read_text().splitlines()}


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("*/*") if path.is_file()}


def test_records_pictures_and_bitstreams_are_those_of_a_run_here(
    nodes: Any, images: Path, tmp_path: Path, here: Go, there: Go, rows: Any, command_line: Go
) -> None:
    (images / "image9.png").write_bytes((images / "image0.png").read_bytes()[:99])  # damaged
    given = {"codecs": "fake,broken", "qualities": ["broken=1,4"], **KEPT}
    outcome = there(images, tmp_path / "there", nodes.address, **given)
    ours = here(images, tmp_path / "here", **given)
    assert [replace(record, worker=None) for record in outcome.failed] == ours.failed != []
    assert outcome.stored == ours.stored
    assert rows(tmp_path / "there") == rows(tmp_path / "here")
    assert files(tmp_path / "there") == files(tmp_path / "here")
    assert workers_of(tmp_path / "there") <= {"a", "b"}
    assert info(tmp_path / "there")["workers"].keys() == workers_of(tmp_path / "there")
    assert info(tmp_path / "there")["workers"]["a"]["lic_bench"]
    assert command_line("show", tmp_path / "there", "fake", 4, "image0.png")[0] == 0
    assert command_line("compare", tmp_path / "there", tmp_path / "here")[0] == 0
    assert command_line("export", tmp_path / "there", "--format", "csv", "--out", tmp_path / "x.csv")[0] == 0


def test_operations_are_counted_there_too(nodes: Any, images: Path, tmp_path: Path, here: Go, there: Go) -> None:
    given = {"codecs": "lalic-small", "measure": "complexity", "quick": True}
    assert not there(images, tmp_path / "there", nodes.address, **given).failed_complexity
    here(images, tmp_path / "here", **given)
    counted = [sorted((tmp_path / name / "complexity.jsonl").read_text().splitlines()) for name in ("there", "here")]
    assert counted[0] == counted[1] != []


@pytest.mark.usefixtures("namespaces")
def test_pictures_that_a_node_does_not_see_are_sent_to_it_once(
    nodes: Any, images: Path, tmp_path: Path, here: Go, there: Go, rows: Any
) -> None:
    folder = nodes.hidden / "pictures"
    shutil.copytree(images, folder)
    for number in range(3, 9):
        shutil.copy(folder / "image0.png", folder / f"image{number}.png")
    there(folder, tmp_path / "there", nodes.address)
    here(folder, tmp_path / "here")
    assert rows(tmp_path / "there") == rows(tmp_path / "here")
    assert workers_of(tmp_path / "there") == {"a", "b"}
    assert nodes.received("a") == []
    assert set(nodes.received("b")) <= {path.name for path in folder.iterdir()}
    assert len(nodes.received("b")) == len(set(nodes.received("b"))) > 0


@pytest.mark.usefixtures("namespaces")
def test_a_folder_of_the_nodes_stands_for_one_here(
    nodes: Any, images: Path, tmp_path: Path, there: Go, heard: Any
) -> None:
    shutil.copytree(images, nodes.hidden / "root" / "set")
    shutil.copytree(images, tmp_path / "elsewhere" / "set")
    before = nodes.received("b")
    given = {"data_root": nodes.hidden / "root", "fresh": True}
    cluster = nodes.toml(tmp_path, f'images = "{tmp_path / "elsewhere"}"')
    assert not there(nodes.hidden / "root" / "set", tmp_path / "run", cluster, **given).failed
    assert workers_of(tmp_path / "run") == {"a", "b"}
    assert nodes.received("b") == before
    other = tmp_path / "elsewhere" / "set" / "image1.png"
    shutil.copy(images / "image0.png", other)
    with pytest.raises(UserError, match="no worker: all were refused") as error:
        there(nodes.hidden / "root" / "set", tmp_path / "run", cluster, heard, **given)
    assert f"{other} is another file than the run's {nodes.hidden}/root/set/image1.png" in str(error.value)
    assert heard.noted("refused worker a (tcp://")
    assert (tmp_path / "run" / "records.jsonl").exists()  # not set aside for nothing


@pytest.mark.slow
def test_another_version_is_refused_by_name(nodes: Any, images: Path, tmp_path: Path, there: Go, heard: Any) -> None:
    nodes.start_worker("old", NODE_VERSION="0.0.1")
    try:
        there(images, tmp_path / "run", nodes.address, heard, repeats=1, qualities=["fake=0,1,2,3,4,5,6,7,8"])
    finally:
        nodes.stop("old")
    (refused,) = heard.noted("refused")
    assert refused.startswith("refused worker tcp://")
    assert "lic_bench: 0.0.1 there, " in refused
    assert workers_of(tmp_path / "run") <= {"a", "b"}


def test_times_are_those_of_a_worker_that_is_alone(
    nodes: Any, images: Path, tmp_path: Path, here: Go, there: Go, heard: Any, rows: Any
) -> None:
    given = {"measure": "quality,latency", "repeats": 2, "budget": 0.01, "limit": 1, "qualities": ["fake=4"]}
    there(images, tmp_path / "there", nodes.address, heard, **given)
    assert [text.split(": ", 1)[1] for text in heard.noted("refused")] == [
        "times are taken by workers that are alone on their machine: start it with --resources machine=1"
    ]
    (row,) = rows(tmp_path / "there")
    here(images, tmp_path / "here", **given)
    (ours,) = rows(tmp_path / "here")
    assert {name for name in row if row[name]} ^ {name for name in ours if ours[name]} <= {"drifted", "rounds_repeated"}
    assert workers_of(tmp_path / "there") == {"a"}
    variables = info(tmp_path / "there")["fingerprint"]["variables"]
    assert variables["OMP_NUM_THREADS"] == "1"


@pytest.mark.slow
def test_times_are_of_one_kind_of_machine_of_which_each_is_alone(
    nodes: Any, images: Path, tmp_path: Path, there: Go, heard: Any
) -> None:
    given = {"measure": "quality,latency", "repeats": 2, "budget": 0.01, "limit": 1, "qualities": ["fake=4"]}
    there(images, tmp_path / "there", nodes.address, heard, **given)
    nodes.start_worker("other", "--resources", "machine=1", MALLOC_ARENA_MAX="3")
    nodes.start_worker("second", "--resources", "machine=1", NODE_NAME="a")
    try:
        later = type(heard)()
        there(images, tmp_path / "there", nodes.address, later, **given | {"qualities": ["fake=2,4,6"]})
    finally:
        nodes.stop("other")
        nodes.stop("second")
    assert workers_of(tmp_path / "there") == {"a"}
    (kind,) = later.noted("another kind of machine")
    assert kind.startswith("refused worker other (tcp://")
    assert kind.endswith("variables: MALLOC_ARENA_MAX 3 there, None in the run; it needs a run of its own")
    assert later.noted("another worker is on that machine, and times are taken alone")


def test_a_run_that_lacks_nothing_asks_nobody(images: Path, tmp_path: Path, here: Go, there: Go, heard: Any) -> None:
    here(images, tmp_path / "run")
    assert there(images, tmp_path / "run", NOBODY, heard).stored == 0
    assert heard.done == 9
    with pytest.raises(UserError, match=f"--cluster {NOBODY}: no Dask scheduler answers there"):
        there(images, tmp_path / "run", NOBODY, fresh=True)
    assert len((tmp_path / "run" / "records.jsonl").read_text().splitlines()) == 9
    with pytest.raises(UserError, match="no Dask scheduler answers"):
        there(images, tmp_path / "new", NOBODY)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_no_run_is_said_before_anybody_is_waited_for(images: Path, tmp_path: Path, there: Go) -> None:
    with pytest.raises(UserError, match="pictures"):
        there(images, images, NOBODY)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--jobs", "2", "--measure", "quality"], "--jobs 2: a worker codes one image at a time; start more workers."),
        (["--no-isolate"], "--no-isolate: on a cluster times are taken of codecs in processes of their own"),
        (["--codecs", "lalic-small,jpeg", "--match", "lalic-small:1"], "--match searches picture by picture"),
        (
            ["--cluster", "local:2"],
            "taken by workers that are alone on their machine: local:1, or alone",
        ),
        (["--cluster", "slurm"], "--cluster slurm: allowed is local:N, tcp://HOST:PORT, or a TOML file."),
    ],
)
def test_what_a_cluster_cannot_do_is_one_line(words: list[str], said: str, tmp_path: Path, command_line: Go) -> None:
    given = ["run", "--codecs", "jpeg", "--datasets", "sample", "--out", tmp_path / "run", "--cluster", NOBODY]
    for more in ([], ["--dry-run"]):
        code, _, stderr = command_line(*given, *words, *more)
        assert (code, len(stderr.splitlines())) == (2, 1), stderr
        assert said in stderr
    assert not (tmp_path / "run").exists()


def test_without_dask_the_command_says_how_to_install_it(
    tmp_path: Path, command_line: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    given = ["run", "--codecs", "jpeg", "--datasets", "sample", "--out", tmp_path / "run", "--cluster", "local:2"]
    code, _, stderr = command_line(*given, "--measure", "quality")
    assert (code, len(stderr.splitlines())) == (2, 1)
    assert 'Dask is not installed. Runs on a cluster need the extra: pip install "lic-bench[cluster]".' in stderr


def test_a_dry_run_asks_nobody_and_a_file_may_name_the_cluster(tmp_path: Path, command_line: Go) -> None:
    config = tmp_path / "bench.toml"
    config.write_text(f'codecs = "jpeg"\ndatasets = "sample"\ncluster = "{NOBODY}"\nout = "{tmp_path / "run"}"\n')
    code, stdout, stderr = command_line("run", config, "--dry-run")
    assert (code, stderr) == (0, "")
    assert "the time is that of one worker; nothing was asked of the cluster" in stdout
    code, _, stderr = command_line("run", config, "--measure", "quality")
    assert code == 2
    assert f"--cluster {NOBODY}: no Dask scheduler answers there; start one by `dask scheduler`." in stderr


def test_a_run_without_a_cluster_imports_nothing_of_dask(images: Path, tmp_path: Path) -> None:
    words = ["lic-bench", "run", "--codecs", "jpeg", "--qualities", "jpeg=50", "--datasets", str(images)]
    words += ["--measure", "quality", "--out", str(tmp_path / "run")]
    code = f"import sys; sys.argv = {words}\nfrom lic_bench import cli\n"
    code += "try: cli.main()\nexcept SystemExit as ended: print('code', ended.code)\n"
    code += "print('loaded', [name for name in sys.modules if name.split('.')[0] in ('dask', 'distributed')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["code 0", "loaded []"]
