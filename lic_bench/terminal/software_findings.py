"""What `lic-bench doctor` finds of Python, the packages, GPUs and compilers."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from lic_bench.terminal.findings import Finding


def python_finding() -> Finding:
    """The version of Python and where it is."""
    good = sys.version_info >= (3, 11)
    return Finding(
        what="Python",
        status="ok" if good else "missing",
        detail=f"{platform.python_version()}, {sys.executable}",
        fix="" if good else "install Python 3.11 or later",
    )


def package_findings() -> Iterator[Finding]:
    """One finding of all packages that are as required, and one for each that is not."""
    from packaging.requirements import Requirement

    good = []
    for text in _requirements():
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        installed = installed_version(wanted.name)
        if installed and wanted.specifier.contains(installed, prereleases=True):
            good.append(f"{wanted.name} {installed}")
            continue
        yield Finding(
            what=wanted.name,
            status="warning" if installed else "missing",
            detail=f"{installed or 'not installed'}; lic-bench asks for {wanted.specifier}",
            fix=f"pip install '{wanted.name}{wanted.specifier}'",
        )
    yield Finding(what="packages", status="ok", detail=", ".join(good))


def _requirements() -> list[str]:
    try:
        return requires("lic-bench") or []
    except PackageNotFoundError:  # run from a source tree that is not installed
        return []


def gpu_findings() -> Iterator[Finding]:
    """The GPUs that the driver sees, with what it says of them, and whether the installed torch can use them."""
    from lic_bench.machine import nvml

    count = nvml.query("nvmlDeviceGetCount")
    if not count:
        yield Finding(what="GPU", status="warning", detail=f"{_why_no_gpu(count)}: codecs run on the CPU")
        return
    driver = nvml.query("nvmlSystemGetDriverVersion") or "of unknown version"
    for index in range(count):
        handle = nvml.query("nvmlDeviceGetHandleByIndex", index)
        name, memory = (
            nvml.query(f"nvmlDeviceGet{what}", handle) if handle else None for what in ("Name", "MemoryInfo")
        )
        yield _gpu_finding(index, name, memory, driver)
    if "+cpu" in (installed_version("torch") or ""):
        fix = "pip install --force-reinstall torch torchvision"
        yield Finding(what="torch for the GPU", status="warning", detail="this torch is built for CPUs only", fix=fix)


def _why_no_gpu(count: int | None) -> str:
    """Why NVML counts no GPU, in its own words if it has any."""
    import pynvml

    try:
        pynvml.nvmlInit()
        pynvml.nvmlDeviceGetCount()
    except (pynvml.NVMLError, OSError) as error:
        return str(error)
    return "The driver sees no GPU" if count == 0 else "The driver does not tell its GPUs"


def _gpu_finding(index: int, name: str | None, memory: Any, driver: str) -> Finding:
    size = "memory not told" if memory is None else f"{int(memory.total) / 2**30:.0f} GiB"
    known = name is not None and memory is not None
    detail = f"{name or 'name not told'}, {size}, driver {driver}"
    return Finding(what=f"GPU {index}", status="ok" if known else "warning", detail=detail)


def compiler_findings() -> Iterator[Finding]:
    """The C++ compiler and nvcc."""
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CXX") or "c++", "g++", "clang++"))), None)
    yield Finding(
        what="C++ compiler",
        status="ok" if compiler else "warning",
        detail=compiler or "none on PATH; installed from source, LALIC has no CPU kernels then and is slower",
        fix="" if compiler else "apt-get install g++",
    )
    nvcc = shutil.which("nvcc")
    yield Finding(what="nvcc", status="ok", detail=nvcc or "not there, not needed")


def installed_version(package: str) -> str | None:
    """Version of an installed package, None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
