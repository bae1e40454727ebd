import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lic_bench.system.workspaces import sweep, workspace

Make = Callable[..., Path]
Gone = Callable[[int], bool]
Wait = Callable[..., Any]

SLEEPER = "import os, time, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)"


def test_workspaces_differ_and_do_not_stay() -> None:
    with workspace("a") as one, workspace("a") as two:
        assert one != two
        (one / "input").write_bytes(b"x")
        assert two.is_dir()
    assert not one.exists()
    assert not two.exists()
    with pytest.raises(ZeroDivisionError), workspace("a") as three:
        raise ZeroDivisionError
    assert not three.exists()


CALL = """
import sys
from pathlib import Path
from lic_bench.system.programs import run_program
from lic_bench.system.workspaces import workspace
with workspace("test") as folder:
    Path(sys.argv[2]).write_text(str(folder))
    if sys.argv[1]:
        run_program([sys.argv[1]], folder, timeout_s=600)
"""


def caller(tmp_path: Path, coder: Path | None, note: str) -> subprocess.Popen[bytes]:
    """A process of its own that runs `coder` in a workspace whose name it writes to tmp_path/note."""
    argv = [sys.executable, "-c", CALL, str(coder or ""), str(tmp_path / note)]
    return subprocess.Popen(argv, env=os.environ | {"TMPDIR": str(tmp_path)}, stderr=subprocess.DEVNULL)


def test_the_next_start_clears_up_after_a_killed_run_and_spares_a_living_one(
    tmp_path: Path, program: Make, gone: Gone, written: Wait, soon: Wait
) -> None:
    coder = program(tmp_path / "bin", SLEEPER)
    killed, living = caller(tmp_path, coder, "killed"), caller(tmp_path, coder, "living")
    folders = [Path(written(tmp_path / name)) for name in ("killed", "living")]
    pids = [int(written(folder / "pid")) for folder in folders]
    written(folders[0] / ".program")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert folders[0].exists()
    assert soon(lambda: gone(pids[0]))
    assert caller(tmp_path, None, "third").wait(60) == 0
    assert not folders[0].exists()
    assert folders[1].exists()
    assert not gone(pids[1])
    living.send_signal(signal.SIGINT)
    living.wait(30)
    assert not folders[1].exists()
    assert soon(lambda: gone(pids[1]))
    assert [path.name for path in folders[0].parent.iterdir()] == [".lock"]


def test_sweeping_ends_no_process_that_only_has_the_number(tmp_path: Path) -> None:
    innocent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        (tmp_path / "old-1-x").mkdir()
        (tmp_path / "old-1-x" / ".program").write_text(f"{innocent.pid} 12.5")
        sweep(tmp_path)
        assert not (tmp_path / "old-1-x").exists()
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


@pytest.mark.parametrize("leader", [True, False])
def test_a_program_that_was_not_noted_yet_is_known_by_where_it_works(tmp_path: Path, leader: bool, soon: Wait) -> None:
    """Only one that leads a group of its own, as a program that we started does."""
    folder = tmp_path / "old-1-x"
    folder.mkdir()
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    working = subprocess.Popen(argv, cwd=folder, start_new_session=leader)
    try:
        sweep(tmp_path)
        assert not folder.exists()
        assert soon(lambda: working.poll() is not None) if leader else working.poll() is None
    finally:
        working.kill()
        working.wait()


@pytest.mark.parametrize("kind", ["link", "open"])
def test_a_place_that_others_may_have_prepared_is_refused(tmp_path: Path, kind: str) -> None:
    home = tmp_path / "home"
    (home / "documents").mkdir(parents=True)
    parent = tmp_path / f"lic-bench-{os.getuid()}"
    if kind == "link":
        parent.symlink_to(home)
    else:
        home.rename(parent)
        parent.chmod(0o777)
    code = "from lic_bench.system.workspaces import workspace\nwith workspace('x'): pass"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert "is not a folder of this user alone" in done.stderr.splitlines()[-1]
    assert (parent / "documents").is_dir()


def test_a_sweep_leaves_what_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "vtm-1-abc").mkdir()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["documents"]
