"""Where runs come from: folders, and folders of a commit of a real repository."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.compare.open_run import open_run
from lic_bench.errors import UserError
from lic_bench.store.records import Record
from lic_bench.store.run_folder import Run

RUN = "results/kodak"


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=A. Author", "-c", "user.email=author@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stored: Callable[..., Run],
    record: Callable[..., Record],
) -> Path:
    """The working directory: a repository with a run of 100 bytes in its first commit (tag `old`), of 200 in HEAD."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "repository"
    for number, size in enumerate((100, 200)):
        run = stored([record(payload_bytes=size)], name=f"run{number}")
        (folder / RUN).mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(folder)
        for file in ("run.json", "records.jsonl"):
            (folder / RUN / file).write_bytes((run.folder / file).read_bytes())
        if not number:
            git("init", "-q")
        git("add", ".")
        git("commit", "-q", "-m", f"{size} bytes")
        git("tag", ("old", "new")[number])
    return folder


def payload(source: str) -> int:
    with open_run(source) as run:
        assert run.name == source
        return int(run.records.payload_bytes[0])


def test_a_folder(repository: Path, tmp_path: Path) -> None:
    assert payload(RUN) == 200
    assert payload(str(tmp_path / "run0")) == 100


def test_a_folder_of_a_commit(repository: Path) -> None:
    assert payload(f"git:old:{RUN}") == 100
    assert payload(f"git:{git('rev-parse', 'HEAD~1')[:8]}:{RUN}") == 100
    assert payload(f"git:HEAD:{RUN}/") == 200


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../elsewhere", "run.json"])
def test_what_else_is_in_the_folder_does_not_matter(repository: Path, target: str) -> None:
    (repository / RUN / "latest").symlink_to(target)
    git("add", "-A")
    git("commit", "-q", "-m", "a link")
    assert payload(f"git:HEAD:{RUN}") == 200


@pytest.mark.parametrize(
    ("target", "said"),
    [("/etc/passwd", "cannot be unpacked: "), ("nowhere", "is no run: it has no run.json"), ("../run", "is no run")],
)
def test_a_link_in_place_of_a_file_is_one_line(repository: Path, target: str, said: str) -> None:
    (repository / RUN / "run.json").unlink()
    (repository / RUN / "run.json").symlink_to(target)
    git("add", "-A")
    git("commit", "-q", "-m", "a link")
    with pytest.raises(UserError, match=said) as error, open_run(f"git:HEAD:{RUN}"):
        pass
    assert "\n" not in str(error.value)


def test_a_folder_with_a_name_like_a_pattern(repository: Path) -> None:
    git("mv", RUN, "results/[a-z]*")
    git("commit", "-q", "-m", "moved")
    assert payload("git:HEAD:results/[a-z]*") == 200


def test_what_the_working_tree_has_does_not_matter(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / RUN / "records.jsonl").unlink()
    monkeypatch.chdir(repository / "results")  # the path is that of the repository, wherever one is in it
    assert payload(f"git:old:{RUN}") == 100


def test_nothing_stays_behind(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with open_run(f"git:old:{RUN}") as run:
        assert folder in run.folder.parents
    assert not list(folder.iterdir())
    assert git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("git:", "'git:' is no run of a commit; write git:REVISION:FOLDER, as git:main:results/measured/kodak."),
        ("git:main", "'git:main' is no run of a commit; "),
        ("git:main:", "'git:main:' is no run of a commit; "),
        (f"git::{RUN}", f"'git::{RUN}' is no run of a commit; "),
        (f"git:--output=x:{RUN}", f"'git:--output=x:{RUN}' is no run of a commit; "),
        (f"git:nosuch:{RUN}", f"git:nosuch:{RUN}: not a valid object name nosuch^{{commit}}."),
        ("git:HEAD:results/nosuch", "git:HEAD:results/nosuch: results/nosuch of HEAD is no run: it has no run.json."),
        ("git:HEAD:results", "git:HEAD:results: results of HEAD is no run: it has no run.json."),
        (f"git:HEAD:{RUN}/run.json", f"git:HEAD:{RUN}/run.json: {RUN}/run.json of HEAD is no run: it has no run.json."),
        ("git:HEAD:../elsewhere", "git:HEAD:../elsewhere: "),
        ("git:HEAD:/etc", "'git:HEAD:/etc' is no run of a commit; write git:REVISION:FOLDER"),
        ("results/nosuch", "results/nosuch is no run: it has no run.json; "),
    ],
)
def test_errors(repository: Path, source: str, message: str) -> None:
    with pytest.raises(UserError) as error, open_run(source):
        pass
    assert str(error.value).casefold().startswith(message.casefold())
    assert "\n" not in str(error.value)


def test_a_path_that_leaves_the_repository_reads_nothing_there(repository: Path, tmp_path: Path) -> None:
    for path in ("../run0", str(tmp_path / "run0"), f"{RUN}/../../../run0"):
        with pytest.raises(UserError), open_run(f"git:HEAD:{path}"):
            pass


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UserError, match="git:HEAD:x: not a git repository"), open_run("git:HEAD:x"):
        pass


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="git is not installed"), open_run(f"git:HEAD:{RUN}"):
        pass
    assert payload(RUN) == 200


def test_an_absolute_path_does_not_lead_to_the_work_tree(repository: Path) -> None:
    with pytest.raises(UserError, match="is no run of a commit"), open_run(f"git:HEAD:{repository / RUN}"):
        pass
