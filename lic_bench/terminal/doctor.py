"""What `lic-bench doctor` finds: what is there, what is missing, and the command that mends it."""

import shlex
from collections.abc import Collection, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from PIL import features

from lic_bench.codecs.checkpoints import checkpoint_folders, find_checkpoints, shipped_checkpoints
from lic_bench.codecs.registry import DOCTOR_HINT, find_codecs, find_programs
from lic_bench.codecs.released_streams import released_hashes
from lic_bench.errors import UserError
from lic_bench.fetch.weights_sources import can_be_fetched
from lic_bench.images.datasets import data_folders, find_dataset
from lic_bench.images.known_datasets import DATASETS
from lic_bench.images.stored_streams import stream_file, stream_folders
from lic_bench.spec import CodecSpec
from lic_bench.terminal.findings import (
    Finding,
    Kind,
    Status,
    compiler_findings,
    gpu_findings,
    installed_version,
    package_findings,
    python_finding,
)


class Named(TypedDict):
    """The fields of a Finding that say what it is about."""

    kind: Kind
    what: str
    brief: str


def all_findings(
    data_root: Path | None = None, checkpoints: Path | None = None, vtm_root: Path | None = None
) -> list[Finding]:
    """Every finding, in the order of the table. The arguments: as of `lic-bench run`. Imports no torch."""
    return [
        python_finding(),
        *package_findings(),
        *gpu_findings(),
        *compiler_findings(),
        *program_findings(vtm_root),
        *image_format_findings(),
        *dataset_findings(data_root),
        *weights_findings(checkpoints),
        *streams_findings(data_root),
    ]


def program_findings(vtm_root: Path | None) -> Iterator[Finding]:
    """One finding per codec whose coder is another program: which one is there, or how to get it."""
    for spec in (spec for spec in find_codecs().values() if spec.programs):
        named: Named = {"kind": "coders", "what": spec.name, "brief": spec.name}
        given = {"vtm_root": vtm_root} if vtm_root and "vtm_root" in spec.options else {}
        try:
            programs = find_programs(replace(spec, settings={**spec.settings, **given}))
        except UserError as error:
            detail = str(error).removeprefix(f"Codec {spec.name!r}: ").removesuffix(DOCTOR_HINT)
            yield Finding(**named, status="warning", detail=detail, fix=spec.install)
            continue
        if programs:
            yield Finding(**named, status="ok", detail=f"version {programs.version}, {programs.place}")


def image_format_findings() -> Iterator[Finding]:
    """The image formats that classical codecs take from Pillow and its plug-in."""
    for label, name in {"JPEG": "jpg", "JPEG 2000": "jpg_2000", "WebP": "webp", "AVIF": "avif"}.items():
        there = features.check(name)
        yield Finding(
            kind="image formats",
            what=f"{label} in Pillow",
            brief=label,
            status="ok" if there else "missing",
            detail=str(features.version(name) or "there") if there else "this Pillow is built without it",
            fix="" if there else "pip install --force-reinstall pillow",
        )
    there = find_spec("pillow_jxl") is not None
    yield Finding(
        kind="image formats",
        what="JPEG XL",
        brief="JPEG XL",
        status="ok" if there else "missing",
        detail=f"pillow-jxl-plugin {installed_version('pillow-jxl-plugin')}" if there else "codec jpeg-xl cannot run",
        fix="" if there else "pip install 'lic-bench[images]'",
    )


def dataset_findings(data_root: Path | None) -> Iterator[Finding]:
    """One finding per named data set, or one for each thing that is wrong with it."""
    for name, info in DATASETS.items():
        named: Named = {"kind": "data sets", "what": f"data set {name}", "brief": name}
        try:
            dataset = find_dataset(name, data_root)
        except UserError:
            places = ", ".join(str(place / name) for place in data_folders(data_root))
            detail = "scikit-image, which carries it, is not installed" if name == "photos" else f"not in {places}"
            yield Finding(**named, status="missing", detail=detail, fix=info.how)
            continue
        first = dataset.images[0].path
        detail = f"{dataset.found} images" + (f" in {first.parent}" if first else ", built in")
        if not dataset.warnings:
            yield Finding(**named, status="ok", detail=detail)
        for warning in dataset.warnings:
            yield Finding(**named, status="warning", detail=warning, fix=info.how)


def weights_findings(checkpoints: Path | None) -> Iterator[Finding]:
    """One finding per learned codec: how many of its released weights are there."""
    folders = checkpoint_folders(checkpoints)
    for spec in (spec for spec in find_codecs().values() if spec.kind == "learned"):
        named: Named = {"kind": "weights", "what": f"weights of {spec.name}", "brief": spec.name}
        present = find_checkpoints(spec, folders)
        absent = [checkpoint for quality, checkpoint in spec.checkpoints.items() if quality not in present]
        detail, fix = _detail(spec, present), ""
        if absent:
            detail += f"; not there: {', '.join(checkpoint.file for checkpoint in absent)}"
            link = next((checkpoint.url for checkpoint in absent if checkpoint.url), "the authors")
            fix = f"from {link} into {folders[-1]}, or give --checkpoints"
        if any(map(can_be_fetched, absent)):
            into = f" --checkpoints {shlex.quote(str(checkpoints))}" if checkpoints else ""
            fix = f"lic-bench fetch weights --codecs {spec.name}{into}"
        status: Status = "ok" if present and not absent else "warning"
        yield Finding(**named, status=status, detail=detail, fix=fix)


def streams_findings(data_root: Path | None) -> Iterator[Finding]:
    """One finding per decode-only codec: how many of its released bitstreams are there."""
    for spec in find_codecs().values():
        if streams := spec.streams:
            names, folders = released_hashes(streams), stream_folders(spec.name, data_root=data_root)
            there = sum(stream_file(name, streams.dataset, folders) is not None for name in names)
            into = f" --data-root {shlex.quote(str(data_root))}" if data_root else ""
            yield Finding(
                kind="bitstreams",
                what=f"bitstreams of {spec.name}",
                brief=spec.name,
                status="ok" if there == len(names) else "warning",
                detail=f"{there} of {len(names)} of {streams.dataset} in {', '.join(map(str, folders))}",
                fix="" if there == len(names) else f"lic-bench fetch streams --codecs {spec.name}{into}",
            )


def _detail(spec: CodecSpec, present: Collection[int]) -> str:
    """How many weights there are. present: the qualities that have some."""
    if count := len(spec.checkpoints):
        there = len(set(present) & set(spec.checkpoints))
        return f"{count} files" if there == count else f"{there} of {count} files"
    if not present:
        return "none are published: no rate-distortion of its own"
    shipped = len(shipped_checkpoints(spec))
    return f"{len(present)} of {len(spec.qualities)} qualities" + (f", {shipped} with the package" if shipped else "")
