import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.run.options import LONGEST_TIMEOUT_S
from lic_bench.system.programs import (
    ProgramError,
    banner,
    find_program,
    last_lines,
    need_program,
    run_program,
    stop_programs,
)

Make = Callable[..., Path]
Gone = Callable[[int], bool]
Wait = Callable[..., Any]

SLEEPER = "import os, time, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)"
PARENT = (
    "import pathlib, subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "pathlib.Path('child').write_text(str(child.pid))\n"
)


def test_what_a_program_writes_comes_back(tmp_path: Path, program: Make) -> None:
    coder = program(tmp_path, "import os, sys\nprint(os.getcwd(), sys.argv[1:])\nprint('aside', file=sys.stderr)")
    out = run_program([coder, "-b", "two words"], tmp_path, timeout_s=LONGEST_TIMEOUT_S)  # which the system can wait
    assert out.stdout == f"{tmp_path} ['-b', 'two words']\n"
    assert out.stderr == "aside\n"


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path, program: Make) -> None:
    coder = program(tmp_path, "import sys\nsys.stdout.buffer.write(b'a\\xffb')")
    assert run_program([coder], tmp_path, timeout_s=30).stdout == "a\ufffdb"


def test_a_failure_says_which_program_how_and_its_last_words(tmp_path: Path, program: Make) -> None:
    text = "import sys\nprint('log')\nprint('first\\nno such file:\\n\\n  input.yuv', file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(ProgramError) as caught:
        run_program([program(tmp_path, text)], tmp_path, timeout_s=30)
    assert str(caught.value) == "coder ended with exit code 3: first | no such file: | input.yuv"


def test_where_stderr_is_empty_stdout_has_the_last_words(tmp_path: Path, program: Make) -> None:
    coder = program(tmp_path, "import sys\nprint('Error: QP exceeds supported range')\nsys.exit(1)")
    with pytest.raises(ProgramError, match=r"^coder ended with exit code 1: Error: QP exceeds supported range$"):
        run_program([coder], tmp_path, timeout_s=30)


def test_a_signal_is_named(tmp_path: Path, program: Make) -> None:
    coder = program(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGABRT)")
    with pytest.raises(ProgramError, match="coder was ended by SIGABRT: silent"):
        run_program([coder], tmp_path, timeout_s=30)


def test_what_cannot_be_started_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="none cannot be started: No such file or directory"):
        run_program([tmp_path / "none"], tmp_path, timeout_s=30)


def test_a_timeout_ends_the_program_and_its_children(tmp_path: Path, program: Make, gone: Gone, soon: Wait) -> None:
    coder = program(tmp_path, f"{PARENT}time.sleep(600)")
    with pytest.raises(ProgramError, match=r"coder was stopped: it took longer than 4 s"):
        run_program([coder], tmp_path, timeout_s=4)
    assert soon(lambda: gone(int((tmp_path / "child").read_text())))


def test_a_child_does_not_outlive_a_program_that_ended_well(
    tmp_path: Path, program: Make, gone: Gone, soon: Wait
) -> None:
    text = PARENT.replace("time.sleep(600)'])", "time.sleep(600)'], stdout=-3, stderr=-3)")  # DEVNULL
    run_program([program(tmp_path, text)], tmp_path, timeout_s=30)
    assert soon(lambda: gone(int((tmp_path / "child").read_text())))


def test_programs_of_other_threads_can_be_stopped(tmp_path: Path, program: Make, gone: Gone, written: Wait) -> None:
    caught: list[str] = []

    def work() -> None:
        try:
            run_program([program(tmp_path, SLEEPER)], tmp_path, timeout_s=60)
        except ProgramError as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    pid = int(written(tmp_path / "pid"))
    stop_programs()
    thread.join(20)
    assert caught == ["coder was ended by SIGKILL: silent"]
    assert gone(pid)


def test_addresses_of_ffmpegs_parts_are_left_out() -> None:
    line = "[vost#0:0/libvvenc @ 0x55fd] [enc:libvvenc @ 0x564dc891b6c0] Error flushing encoder [again @ 0x1]"
    assert last_lines(line) == "Error flushing encoder [again @ 0x1]"


@given(st.text())
def test_last_words_are_one_short_line(text: str) -> None:
    found = last_lines(text)
    assert "\n" not in found
    assert len(found) <= 400
    assert bool(found) == bool(text.strip())


def test_root_goes_before_the_variable_and_that_before_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Make
) -> None:
    names = ("coderStatic", "coder")
    on_path = program(tmp_path / "path", "", "coder")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_program(names, env="CODER_ROOT") == on_path
    named = program(tmp_path / "named" / "bin" / "gcc" / "release", "", "coder")
    monkeypatch.setenv("CODER_ROOT", str(tmp_path / "named"))
    assert find_program(names, env="CODER_ROOT") == named
    given = program(tmp_path / "given" / "bin", "", "coder")
    assert find_program(names, tmp_path / "given", "CODER_ROOT") == given
    static = program(tmp_path / "given", "", "coderStatic")
    assert find_program(names, tmp_path / "given", "CODER_ROOT") == static
    static.chmod(0o644)
    assert find_program(names, tmp_path / "given", "CODER_ROOT") == given
    assert find_program(names, tmp_path / "nowhere", "CODER_ROOT") is None


def test_a_program_that_is_not_there_is_named_with_the_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Make
) -> None:
    names = ("coderStatic", "coder")
    there = program(tmp_path / "path", "", "coder")
    monkeypatch.setenv("PATH", str(there.parent))
    monkeypatch.delenv("CODER_ROOT", raising=False)
    assert need_program(names, env="CODER_ROOT") == there
    for root, env, where in (
        (tmp_path / "none", "CODER_ROOT", f"in {tmp_path / 'none'} or its bin/"),
        (None, "CODER_ROOT", r"on PATH or below \$CODER_ROOT"),
        (None, None, "on PATH"),
    ):
        with pytest.raises(ProgramError, match=rf"^other is not {where}\.$"):
            need_program(("other",), root, env)
    monkeypatch.setenv("CODER_ROOT", str(tmp_path / "empty"))
    with pytest.raises(
        ProgramError, match=rf"^coderStatic is not in \$CODER_ROOT, {tmp_path}/empty, or its bin/; PATH is not"
    ):
        need_program(names, env="CODER_ROOT")


def test_a_banner_is_the_first_line_whatever_the_exit_code(tmp_path: Path, program: Make) -> None:
    one = program(tmp_path, "import sys\nprint('\\n  Coder 1.2 ', sys.argv[1])\nsys.exit(1)", "one")
    assert banner(one, "--help") == "Coder 1.2  --help"
    two = program(tmp_path, "import sys\nprint('Coder 3', file=sys.stderr)", "two")
    assert banner(two) == "Coder 3"
    assert banner(program(tmp_path, "", "silent")) == ""
