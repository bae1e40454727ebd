"""The file run.json: its shape as far as anything reads it, reading and writing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from lic_bench.errors import UserError
from lic_bench.store.json_validation import read_object, spell_out_bytes, validated
from lic_bench.store.records import ELSEWHERE, PROTOCOL, READABLE, Number
from lic_bench.system.whole_file import write_whole

COMPLEXITY_SIZE = (512, 768)  # height, width: Table 1 of the LALIC paper
Section: TypeAlias = dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One run, as its folder's run.json keeps it; a run of another configuration gets another folder.

    qualities: codec -> its ladder in this run. weights: codec -> quality -> `lic_bench.codecs.loading.weights_of`.
    modes: codec -> the colour path asked of it, for codecs that have several.
    budget: seconds of samples of each time, where it is not the default of measurement.stopwatch.Effort.
    starts: of each codec's process, to take the times of an image in; None: one.
    isolate: each codec worked in a process of its own.
    crop: side of the central square that is measured instead of the whole image, in pixels.
    convert: pictures of other kinds were made 8-bit RGB, by the rules of lic_bench.images.oddity; None: none was.
    images: data set -> number of images. complexity_size: (height, width).
    sizes: sides of the square pictures of a scaling run, see lic_bench.run.scaling; (): a run on data sets.
    save: what is kept of every image, of store.saved_files.SAVED.
    batch: images in a call, at which the throughput is taken; (): it is not.
    metrics: perceptual metrics that are measured. metric_weights: metric -> sha256 of the network that it compares by.
    match: "codec:quality" of --match, whose sizes the classical codecs met.
    """

    codecs: tuple[str, ...]
    datasets: tuple[str, ...]
    images: Mapping[str, int]
    qualities: Mapping[str, tuple[int, ...]]
    weights: Mapping[str, Mapping[str, str]]
    measure: tuple[str, ...]
    device: str
    threads: int
    repeats: int
    budget: float | None = None
    starts: int | None = None
    modes: Mapping[str, str] = field(default_factory=dict)
    isolate: bool = False
    limit: int | None = None
    crop: int | None = None
    convert: bool | None = None
    quick: bool = False
    complexity_size: tuple[int, int] = COMPLEXITY_SIZE
    sizes: tuple[int, ...] = ()
    batch: tuple[int, ...] = ()
    save: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    metric_weights: Mapping[str, str] = field(default_factory=dict)
    match: tuple[str, ...] = ()
    protocol: str = PROTOCOL


class Part(BaseModel):
    """A part of run.json. Every field may be absent, and others are free."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class Fingerprint(Part):
    """What must stay the same within a run."""

    processor: Section = None
    limits: Section = None
    gpu_parts: Section = None
    packages: Section = None
    coders: Section = None
    programs: Section = None
    cores_kept: int | None = None


class Container(Part):
    """What holds the process, and its limits."""

    hints: list[str] | None = None


class Environment(Part):
    """When and with what the run was begun."""

    time: str | None = None
    lic_bench: str | None = None
    git_commit: str | None = None
    memory_bytes: Number | None = None
    processor: Section = None
    gpu: Section = None
    container: Container | None = None
    packages: Section = None


_config_fields: Any = {name: (hint, None) for name, hint in get_type_hints(RunConfig).items()}
Config = create_model("Config", __base__=Part, **_config_fields)


class RunJson(Part):
    """The whole file.

    images: "data set/image" -> sha256. workers: of a cluster, by their names in records. decoded: of pictures from
    elsewhere, "codec quality image" -> sha256.
    """

    config: Config | None = None  # type: ignore[valid-type]  # made above
    fingerprint: Fingerprint | None = None
    environment: Environment | None = None
    images: dict[str, str | None] | None = None
    decoded: dict[str, str | None] | None = None
    conversions: dict[str, str] | None = None
    workers: dict[str, dict[str, Any]] | None = None
    warnings: list[str] | None = None


def is_elsewhere(run: Mapping[str, Any]) -> bool:
    """Whether this run.json is of pictures that were coded elsewhere: `lic-bench metrics` wrote it."""
    return (run.get("config") or {}).get("device") == ELSEWHERE


def read_run_json(path: Path) -> dict[str, Any]:
    """The file's values without those that are null. Raises UserError for what is not of the shape above."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}; choose another --out.") from None
    fix = "measure again with --fresh"
    values = read_object(text, str(path), READABLE, fix)
    validated(RunJson, spell_out_bytes(text), str(path), fix)
    return {name: value for name, value in values.items() if value is not None}


def write_run_json(path: Path, values: dict[str, Any]) -> None:
    """Write the file whole or not at all. Raises UserError, also for values that could not be read back."""
    text = json.dumps(values, indent=1)
    validated(RunJson, spell_out_bytes(text), "This run cannot be stored", "give another value")
    try:
        write_whole(path, text)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}; make room or choose another --out.") from None
