from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.run.cluster.cluster_option import QUEUES, ClusterChoice, device_there, read_cluster

FORMS = "allowed is local:N, tcp://HOST:PORT, or a TOML file"


def in_file(folder: Path, *lines: str) -> str:
    path = folder / "cluster.toml"
    path.write_text("\n".join(lines))
    return str(path)


def test_workers_of_this_machine() -> None:
    assert read_cluster("local:3") == ClusterChoice(kind="local", workers=3)
    assert read_cluster("local:1").alone
    assert read_cluster("local:1000").waits_s == 60


@pytest.mark.parametrize("address", ["tcp://node-1.example:8786", "tls://10.0.0.1:1", "tcp://[::1]:8786"])
def test_a_scheduler_that_is_there(address: str) -> None:
    assert read_cluster(address) == ClusterChoice(kind="address", address=address)


def test_a_queue_of_a_file(tmp_path: Path) -> None:
    lines = ['kind = "slurm"', "workers = 8", "cores = 4", 'memory = "16GB"', 'time = "02:00:00"', 'queue = "gpu"']
    lines += ['account = "imaging"', "gpus = 1", "alone = true", 'images = "/scratch/images"', 'weights = "/scratch/w"']
    lines += ['scratch = "/local"', 'setup = ["module load python"]', 'directives = ["--constraint=a100"]']
    choice = read_cluster(in_file(tmp_path, *lines))
    assert (choice.workers, choice.cores, choice.memory, choice.time, choice.queue) == (8, 4, "16GB", "02:00:00", "gpu")
    assert (choice.account, choice.gpus, choice.alone, choice.images) == ("imaging", 1, True, "/scratch/images")
    assert (choice.weights, choice.scratch, choice.setup) == ("/scratch/w", "/local", ["module load python"])
    assert choice.directives == ["--constraint=a100"]
    assert choice.waits_s is None
    assert read_cluster(in_file(tmp_path, *lines, "wait_s = 30")).waits_s == 30


@pytest.mark.parametrize("kind", QUEUES)
def test_every_queue_has_a_kind(kind: str, tmp_path: Path) -> None:
    assert read_cluster(in_file(tmp_path, f'kind = "{kind}"')).kind == kind


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("local:", "'' workers; write local:N"),
        ("local:0", "'0' workers; write local:N, with N from 1 to 1000"),
        ("local:1001", "'1001' workers"),
        ("local:" + "9" * 5000, "with N from 1 to 1000"),
        ("local:-1", "'-1' workers"),
        ("local:²", "'²' workers"),
        ("local", "'' workers"),
        ("", FORMS),
        ("slurm", FORMS),
        ("tcp://host", FORMS),
        ("http://host:80", FORMS),
        ("tcp://ho st:80", FORMS),
        ("nul\0.toml", "cannot be read as TOML"),
        ("absent.toml", "cannot be read as TOML (No such file or directory)"),
    ],
    ids=lambda text: repr(text)[:20],
)
def test_another_text_is_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        read_cluster(text)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["kind = "], "cannot be read as TOML"),
        (['kind = "slrum"'], "slrum"),
        (["workers = 2"], "kind"),
        (['kind = "slurm"', "wokers = 2"], "workers"),
        (['kind = "slurm"', "workers = 0"], "workers"),
        (['kind = "slurm"', 'workers = "two"'], "workers"),
        (['kind = "slurm"', "workers = true"], "workers"),
        (['kind = "slurm"', "time = 02:00:00"], "time"),
        (['kind = "slurm"', 'setup = "module load"'], "setup"),
        (['kind = "slurm"', "gpus = -1"], "gpus"),
        (['kind = "slurm"', "wait_s = nan"], "wait_s"),
        (['kind = "pbs"', "gpus = 1"], "gpus is of Slurm"),
        (['kind = "address"'], 'a scheduler that is there has kind = "address" and address'),
        (['kind = "local"', 'address = "tcp://host:1"'], 'kind = "address"'),
        (['kind = "address"', 'address = "host:1"'], "write tcp://HOST:PORT"),
    ],
)
def test_another_file_is_one_line_that_names_it(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        read_cluster(in_file(tmp_path, *lines))
    assert said in str(error.value)
    assert "cluster.toml" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_bytes_that_are_no_text_and_folders_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.toml").mkdir()
    for name in ("bytes.toml", "folder.toml"):
        with pytest.raises(UserError, match="cannot be read as TOML"):
            read_cluster(str(tmp_path / name))


def read_or_said(text: str) -> UserError | None:
    """The error; None where there is a cluster."""
    try:
        read_cluster(text)
    except UserError as error:
        return error
    return None


@given(st.text() | st.builds("{}{}".format, st.sampled_from(["local:", "tcp://", "a.toml", "tls://h:"]), st.text()))
def test_any_text_is_a_cluster_or_a_user_error(text: str) -> None:
    assert read_or_said(text) is None or str(read_or_said(text)).startswith("--cluster")


VALUES = st.integers() | st.text() | st.booleans() | st.floats() | st.lists(st.text(), max_size=2)


@given(st.dictionaries(st.sampled_from(list(ClusterChoice.__dataclass_fields__)), VALUES, max_size=4))
def test_any_fields_are_a_cluster_or_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, int | str | bool | float | list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    lines = [f"{name} = {_toml(value)}" for name, value in fields.items()]
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    assert read_or_said(str(path)) is None or str(path) in str(read_or_said(str(path)))


def _toml(value: object) -> str:
    if isinstance(value, str):
        return "'''" + value.replace("'", "") + "'''"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower()


def test_the_device_of_the_workers_need_not_be_here() -> None:
    address, queue = read_cluster("tcp://host:1"), ClusterChoice(kind="slurm", gpus=1)
    assert str(device_there(address, "auto")) == "cpu"
    assert str(device_there(queue, "auto")) == str(device_there(address, "cuda")) == "cuda:0"
    assert str(device_there(queue, "cpu")) == "cpu"
    with pytest.raises(UserError):
        device_there(address, "tpu")
