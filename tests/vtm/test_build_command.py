"""The command that the doctor gives for building VTM."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import vtm as package
from lic_bench.codecs.registry import resolve_codec
from lic_bench.terminal.doctor import program_findings
from vtm.codec import SPEC

README = Path(package.__file__).parent / "README.md"
VTM_FLAGS = ("-Wall", "-Werror", "-Wno-sign-compare", "-Wno-class-memaccess", "-std=gnu++11")  # of its CMakeLists.txt
SOURCE = """
#include <cassert>
[[deprecated]] int old();
typedef uint32_t Intermediate;  // VTM's TypeDef.h has no more than <cassert> before it either
int main() { return old(); }
"""


def flags() -> list[str]:
    match = re.search(r"-DCMAKE_CXX_FLAGS='([^']*)'", SPEC.install)
    assert match is not None
    return match[1].split()


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
def test_its_flags_pass_what_newer_compilers_refuse(tmp_path: Path) -> None:
    """CMake puts them before VTM's own."""
    (tmp_path / "file.cpp").write_text(SOURCE)

    def compiles(*given: str) -> bool:
        command = ["g++", *given, *VTM_FLAGS, "-fsyntax-only", "file.cpp"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0

    assert compiles(*flags())
    assert not compiles("-include", "cstdint")
    assert not compiles()


def test_the_readme_has_the_same_steps() -> None:
    block = re.search(r"```\n(git clone .*?)\n```", README.read_text(), flags=re.DOTALL)
    assert block is not None
    steps = [shlex.split(line) for line in block[1].splitlines()]
    command = SPEC.install.partition(", then")[0]
    assert steps[:-1] == [shlex.split(step) for step in command.split(" && ")]


def test_another_version_is_built_alike() -> None:
    other = resolve_codec("vtm-18.0").install
    assert "--branch VTM-18.0 " in other
    assert other.replace("18.0", "9.1") == SPEC.install


def test_the_doctor_prints_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VTM_ROOT", str(tmp_path))
    (row,) = [row for row in program_findings(None) if row.what == "vtm-9.1"]
    assert (row.status, row.fix) == ("warning", SPEC.install)


@pytest.mark.vtm
@pytest.mark.usefixtures("vtm")
def test_what_it_built_is_taken() -> None:
    (row,) = [row for row in program_findings(None) if row.what == "vtm-9.1"]
    assert (row.status, row.detail.split(",")[0]) == ("ok", "version 9.1")
