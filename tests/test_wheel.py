"""A built wheel holds everything: it runs outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the wheel, as pip would lay them into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(unpacked: Path, cwd: Path, *arguments: str) -> str:
    """Python with the wheel's files before the environment's. -S: an editable install would come first by its hook."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(unpacked), sysconfig.get_path("purelib")])}
    command = [sys.executable, "-S", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


def test_it_is_the_wheel_that_runs(unpacked: Path, tmp_path: Path) -> None:
    where = run(
        unpacked, tmp_path, "-c", "import lic_bench, lalic, adapters; print(lic_bench.__file__, lalic.__file__)"
    )
    assert all(part.startswith(str(unpacked)) for part in where.split())


def test_its_compiled_kernels_are_all_of_its_own_source(unpacked: Path, tmp_path: Path) -> None:
    code = """
from adapters.mambavc.scan import cpu as scan
from lalic import pointwise
from lalic.biwkv import cpu as biwkv
from lic_bench.codecs import rans
for kernels in (pointwise.KERNELS, biwkv.KERNELS, scan.KERNELS, rans.KERNELS):
    print(kernels.library()._name)
"""
    libraries = run(unpacked, tmp_path, "-c", code).split()
    assert len(libraries) == 4
    assert all(library.startswith(str(unpacked)) for library in libraries)


@pytest.mark.parametrize("package", ["adapters", "lalic", "lic_bench", "native", "vtm"])
def test_it_holds_every_source_of_the_packages(unpacked: Path, package: str) -> None:
    suffixes = {".cpp", ".css", ".cu", ".cuh", ".h", ".j2", ".js", ".md", ".pth", ".py"}
    files = [path.relative_to(ROOT) for path in (ROOT / package).rglob("*") if path.suffix in suffixes]
    assert files
    assert not [file for file in files if not (unpacked / file).is_file()]


def test_reference_runs_come_without_their_bitstreams(unpacked: Path) -> None:
    records = [file.parent.name for file in unpacked.rglob("measured/*/records.jsonl")]
    assert "kodak-vtm-ycbcr10" in records
    assert list((ROOT / "results/measured").rglob("*.licb"))
    assert not list(unpacked.rglob("*.licb"))


def test_run_and_report_work_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    arguments = ["--codecs", "jpeg,webp", "--datasets", "sample", "--quick", "--out", "run", "--limit", "1"]
    arguments += ["--qualities", "jpeg=50", "--qualities", "webp=50"]
    run(unpacked, tmp_path, "-m", "lic_bench.cli", "run", *arguments)
    out = run(unpacked, tmp_path, "-m", "lic_bench.cli", "report", "run", "--published", "paper")
    assert "-15.26" in out
    assert (tmp_path / "report/index.html").stat().st_size > 100_000


def test_it_holds_no_tests_and_nobody_elses_images(unpacked: Path) -> None:
    names = [str(path.relative_to(unpacked)) for path in unpacked.rglob("*")]
    assert not [name for name in names if name.startswith(("tests", "results", "benchmarks")) or name.endswith(".png")]
    assert len([name for name in names if name.startswith("lic_bench/data/published/rd/")]) >= 161
