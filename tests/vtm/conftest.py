"""VTM itself where it is installed, and stand-ins that only say its version."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.system.programs import ProgramError
from vtm.binaries import CONFIG, find_binaries


@pytest.fixture(scope="session")
def vtm() -> None:
    """Tests that take this run the real VTM-9.1 of $VTM_ROOT or PATH, and skip without it."""
    try:
        find_binaries("9.1")
    except ProgramError as error:
        pytest.skip(f"{error} Set VTM_ROOT to run this test.")


@pytest.fixture
def make_vtm() -> Callable[..., Path]:
    """The function that makes a folder like VTM's in which the programs say their version and nothing else."""
    return _make_vtm


def _make_vtm(root: Path, encoder: str = "9.1", decoder: str = "9.1", config: str = "cfg") -> Path:
    (root / "bin").mkdir(parents=True)
    for name, version in (("Encoder", encoder), ("Decoder", decoder)):
        line = f"VVCSoftware: VTM {name} Version {version} [Linux][GCC 12.2.0][64 bit] [SIMD=AVX2] "
        program = root / "bin" / f"{name}AppStatic"
        program.write_text(f"#!{sys.executable}\nprint('\\n{line}')\n")
        program.chmod(0o755)
    (root / config).mkdir(parents=True)
    (root / config / CONFIG).write_text("IntraPeriod : 1\n")
    return root
