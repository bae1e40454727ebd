"""What is there, what is missing, and the command that mends it: data first, one table at the end."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lic_bench.codecs.checkpoints import checkpoint_folders, find_checkpoints
from lic_bench.codecs.registry import DOCTOR_HINT, find_codecs, find_programs
from lic_bench.errors import UserError
from lic_bench.fetch.fetch_weights import direct_url
from lic_bench.spec import CodecSpec

if TYPE_CHECKING:
    from rich.table import Table

Status = Literal["ok", "missing", "warning"]
MARKS = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "warning": "[yellow]warning[/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding. fix: the command or the step that mends it; empty where nothing is to be mended.

    "missing" is something that some part of lic-bench cannot work without, "warning" what limits or endangers results.
    """

    what: str
    status: Status
    detail: str
    fix: str = ""


def check(data_root: Path | None = None, checkpoints: Path | None = None, vtm_root: Path | None = None) -> list[Row]:
    """Every finding, in the order of the table. The arguments: as of `lic-bench run`. Imports no torch."""
    head = (_python(), _packages(), _gpu(), _tools(), _programs(vtm_root), _formats())
    return [row for part in (*head, _data(data_root), _weights(checkpoints)) for row in part]


def render(rows: list[Row]) -> Table:
    """The findings as a table for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("what", "", "found", "to mend it"):
        table.add_column(heading, overflow="fold")  # paths and commands are to be copied: nothing is cut
    for row in rows:
        table.add_row(escape(row.what), MARKS[row.status], escape(row.detail), escape(row.fix))
    return table


def _python() -> Iterator[Row]:
    good = sys.version_info >= (3, 11)
    yield Row(
        what="Python",
        status="ok" if good else "missing",
        detail=f"{platform.python_version()}, {sys.executable}",
        fix="" if good else "install Python 3.11 or later",
    )


def _packages() -> Iterator[Row]:
    """One row for what is installed, one for each package that is not, or not as pinned."""
    from packaging.requirements import Requirement

    fine = []
    for text in _requirements():
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        found = _version(wanted.name)
        if found and wanted.specifier.contains(found, prereleases=True):
            fine.append(f"{wanted.name} {found}")
            continue
        yield Row(
            what=wanted.name,
            status="warning" if found else "missing",
            detail=f"{found or 'not installed'}; lic-bench asks for {wanted.specifier}",
            fix=f"pip install '{wanted.name}{wanted.specifier}'",
        )
    yield Row(what="packages", status="ok", detail=", ".join(fine))


def _requirements() -> list[str]:
    try:
        return requires("lic-bench") or []
    except PackageNotFoundError:  # run from a source tree that is not installed
        return []


def _gpu() -> Iterator[Row]:
    """The GPUs as the driver sees them, each as far as it tells, and whether the installed torch can use them."""
    from lic_bench.machine import nvml

    count = nvml.query("nvmlDeviceGetCount")
    if not count:
        yield Row(what="GPU", status="warning", detail=f"{_why_none(count)}: codecs run on the CPU")
        return
    driver = nvml.query("nvmlSystemGetDriverVersion") or "of unknown version"
    for index in range(count):
        handle = nvml.query("nvmlDeviceGetHandleByIndex", index)
        name, memory = (
            nvml.query(f"nvmlDeviceGet{what}", handle) if handle else None for what in ("Name", "MemoryInfo")
        )
        yield _gpu_row(index, name, memory, driver)
    if "+cpu" in (_version("torch") or ""):
        fix = "pip install --force-reinstall torch torchvision"
        yield Row(what="torch for the GPU", status="warning", detail="this torch is built for CPUs only", fix=fix)


def _why_none(count: int | None) -> str:
    """Why NVML counts no GPU, in its own words where it has any."""
    import pynvml

    try:
        pynvml.nvmlInit()
        pynvml.nvmlDeviceGetCount()
    except (pynvml.NVMLError, OSError) as error:
        return str(error)
    return "The driver sees no GPU" if count == 0 else "The driver does not tell its GPUs"


def _gpu_row(index: int, name: str | None, memory: Any, driver: str) -> Row:
    size = "memory not told" if memory is None else f"{int(memory.total) / 2**30:.0f} GiB"
    told = name is not None and memory is not None
    detail = f"{name or 'name not told'}, {size}, driver {driver}"
    return Row(what=f"GPU {index}", status="ok" if told else "warning", detail=detail)


def _tools() -> Iterator[Row]:
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CXX") or "c++", "g++", "clang++"))), None)
    yield Row(
        what="C++ compiler",
        status="ok" if compiler else "warning",
        detail=compiler or "none on PATH; installed from source, LALIC has no CPU kernels then and is slower",
        fix="" if compiler else "apt-get install g++",
    )
    nvcc = shutil.which("nvcc")
    yield Row(what="nvcc", status="ok", detail=nvcc or "not there, not needed")


def _programs(vtm_root: Path | None) -> Iterator[Row]:
    """One row per codec whose coder is another program: which one is there, or how to get it."""
    for spec in (spec for spec in find_codecs().values() if spec.programs):
        given = {"vtm_root": vtm_root} if vtm_root and "vtm_root" in spec.options else {}
        try:
            found = find_programs(replace(spec, settings={**spec.settings, **given}))
        except UserError as error:
            detail = str(error).removeprefix(f"Codec {spec.name!r}: ").removesuffix(DOCTOR_HINT)
            yield Row(what=spec.name, status="warning", detail=detail, fix=spec.install)
            continue
        if found:
            yield Row(what=spec.name, status="ok", detail=f"version {found.version}, {found.place}")


def _formats() -> Iterator[Row]:
    """The image formats that classical codecs take from Pillow and its plug-in."""
    from PIL import features

    for label, check_feature, name in (
        ("JPEG", features.check_codec, "jpg"),
        ("JPEG 2000", features.check_codec, "jpg_2000"),
        ("WebP", features.check_module, "webp"),
        ("AVIF", features.check_module, "avif"),
    ):
        there = check_feature(name)
        yield Row(
            what=f"{label} in Pillow",
            status="ok" if there else "missing",
            detail=str(features.version(name) or "there") if there else "this Pillow is built without it",
            fix="" if there else "pip install --force-reinstall pillow",
        )
    there = find_spec("pillow_jxl") is not None
    yield Row(
        what="JPEG XL",
        status="ok" if there else "missing",
        detail=f"pillow-jxl-plugin {_version('pillow-jxl-plugin')}" if there else "codec jpeg-xl cannot run",
        fix="" if there else "pip install 'lic-bench[images]'",
    )


def _data(data_root: Path | None) -> Iterator[Row]:
    from lic_bench.images.datasets import data_folders, find_dataset
    from lic_bench.images.known_datasets import DATASETS

    for name, info in DATASETS.items():
        try:
            found = find_dataset(name, data_root)
        except UserError:
            places = ", ".join(str(place / name) for place in data_folders(data_root))
            yield Row(what=f"data set {name}", status="missing", detail=f"not in {places}", fix=info.how)
            continue
        first = found.images[0].path
        detail = f"{found.found} images" + (f" in {first.parent}" if first else ", built in")
        if not found.warnings:
            yield Row(what=f"data set {name}", status="ok", detail=detail)
        for warning in found.warnings:
            yield Row(what=f"data set {name}", status="warning", detail=warning, fix=info.how)


def _weights(checkpoints: Path | None) -> Iterator[Row]:
    """One row per learned codec that has released weights."""
    for spec in find_codecs().values():
        if spec.kind == "learned":
            yield _weights_of(spec, checkpoints)


def _weights_of(spec: CodecSpec, checkpoints: Path | None) -> Row:
    what = f"weights of {spec.name}"
    if not spec.checkpoints:
        return Row(what=what, status="warning", detail="none are published: no rate-distortion of its own")
    folders = checkpoint_folders(checkpoints)
    there = find_checkpoints(spec, folders)
    absent = [checkpoint for quality, checkpoint in spec.checkpoints.items() if quality not in there]
    count = len(spec.checkpoints)
    if not absent:
        return Row(what=what, status="ok", detail=f"{count} files")
    files = ", ".join(checkpoint.file for checkpoint in absent)
    link = next((checkpoint.url for checkpoint in absent if checkpoint.url), "the authors")
    fix = f"from {link} into {folders[-1]}, or give --checkpoints"
    if any(direct_url(checkpoint.url) for checkpoint in absent):
        into = f" --checkpoints {shlex.quote(str(checkpoints))}" if checkpoints else ""
        fix = f"lic-bench fetch weights --codecs {spec.name}{into}"
    return Row(
        what=what,
        status="warning",
        detail=f"{count - len(absent)} of {count} files; not there: {files}",
        fix=fix,
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
