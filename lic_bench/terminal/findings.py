"""The findings of `lic-bench doctor`: their table, and those of Python, the packages, GPUs and compilers."""

import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Literal

import pynvml
from packaging.requirements import Requirement
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from lic_bench.machine import nvml

Status = Literal["ok", "missing", "warning"]
Kind = Literal[
    "Python", "packages", "GPU", "compilers", "coders", "image formats", "data sets", "weights", "bitstreams"
]
STATUS_MARKUP: dict[Status, str] = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "warning": "[yellow]warning[/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether one thing is there. fix: the command or the step that mends it; empty if nothing is to be mended.

    kind: the row of the short table. brief: what that calls it.
    status: "missing" is something that a part of lic-bench cannot work without, "warning" what limits or endangers
    results.
    """

    kind: Kind
    what: str
    brief: str
    status: Status
    detail: str
    fix: str = ""


def short_table(findings: Iterable[Finding]) -> Table:
    """One row per kind of thing, for the terminal: what is there and what is not."""
    rows: dict[Kind, dict[bool, list[str]]] = {}
    for finding in findings:
        rows.setdefault(finding.kind, {True: [], False: []})[finding.status == "ok"].append(finding.brief)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in ("", "there", "not there"):
        table.add_column(heading, no_wrap=not heading)
    for kind, row in rows.items():
        table.add_row(kind, *(escape(", ".join(row[there])) for there in (True, False)))
    return table


def findings_table(findings: Iterable[Finding]) -> Table:
    """One row per finding, for the terminal; below what was found an arrow and what mends it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in ("what", "", "found, -> what mends it"):
        table.add_column(heading, overflow="fold")  # paths and commands are to be copied: nothing is cut
    for finding in findings:
        fix = f"\n[cyan]-> {escape(finding.fix)}[/]" if finding.fix else ""
        table.add_row(escape(finding.what), STATUS_MARKUP[finding.status], escape(finding.detail) + fix)
    return table


def python_finding() -> Finding:
    """The version of Python and where it is."""
    version = platform.python_version()
    return Finding(kind="Python", what="Python", brief=version, status="ok", detail=f"{version}, {sys.executable}")


def package_findings() -> Iterator[Finding]:
    """One finding of all packages that are as required, and one for each that is not."""
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
            kind="packages",
            what=wanted.name,
            brief=wanted.name,
            status="warning" if installed else "missing",
            detail=f"{installed or 'not installed'}; lic-bench asks for {wanted.specifier}",
            fix=f"pip install '{wanted.name}{wanted.specifier}'",
        )
    brief = f"{len(good)} as required"
    yield Finding(kind="packages", what="packages", brief=brief, status="ok", detail=", ".join(good))


def _requirements() -> list[str]:
    try:
        return requires("lic-bench") or []
    except PackageNotFoundError:  # run from a source tree that is not installed
        return []


def gpu_findings() -> Iterator[Finding]:
    """The GPUs that the driver sees, with what it says of them, and whether the installed torch can use them."""
    count = nvml.query("nvmlDeviceGetCount")
    if not count:
        detail, brief = f"{_why_no_gpu(count)}: codecs run on the CPU", "none: codecs run on the CPU"
        yield Finding(kind="GPU", what="GPU", brief=brief, status="warning", detail=detail)
        return
    driver = nvml.query("nvmlSystemGetDriverVersion") or "of unknown version"
    for index in range(count):
        handle = nvml.query("nvmlDeviceGetHandleByIndex", index)
        name, memory = (
            nvml.query(f"nvmlDeviceGet{what}", handle) if handle else None for what in ("Name", "MemoryInfo")
        )
        size = "memory not told" if memory is None else f"{int(memory.total) / 2**30:.0f} GiB"
        status: Status = "warning" if name is None or memory is None else "ok"
        brief = f"{name or 'name not told'}, {size}"
        yield Finding(kind="GPU", what=f"GPU {index}", brief=brief, status=status, detail=f"{brief}, driver {driver}")
    if "+cpu" in (installed_version("torch") or ""):
        fix = "pip install --force-reinstall torch torchvision"
        what, detail = "torch for the GPU", "this torch is built for CPUs only"
        yield Finding(kind="GPU", what=what, brief=what, status="warning", detail=detail, fix=fix)


def _why_no_gpu(count: int | None) -> str:
    """Why NVML counts no GPU, in its own words if it has any."""
    try:
        pynvml.nvmlInit()
        pynvml.nvmlDeviceGetCount()
    except (pynvml.NVMLError, OSError) as error:
        return str(error)
    return "The driver sees no GPU" if count == 0 else "The driver does not tell its GPUs"


def compiler_findings() -> Iterator[Finding]:
    """The C++ compiler and nvcc."""
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CXX") or "c++", "g++", "clang++"))), None)
    yield Finding(
        kind="compilers",
        what="C++ compiler",
        brief="C++",
        status="ok" if compiler else "warning",
        detail=compiler
        or "none on PATH; installed from source, LALIC's kernels and the entropy coder are the slow ones",
        fix="" if compiler else "apt-get install g++",
    )
    nvcc = shutil.which("nvcc")
    detail = nvcc or "not there, not needed"
    yield Finding(
        kind="compilers", what="nvcc", brief="nvcc" if nvcc else "no nvcc, not needed", status="ok", detail=detail
    )


def installed_version(package: str) -> str | None:
    """Version of an installed package, None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
