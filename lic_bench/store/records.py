"""What is stored: a Record per codec, quality and image, a Complexity per codec, quality, counter and path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import product
from typing import Any, Literal, TypeVar

from lic_bench.errors import UserError
from lic_bench.store.json_types import Kind, is_integer, is_positive, kinds, wrong

SCHEMA = 5
READABLE = (3, 4, SCHEMA)  # older rows lack only fields that have defaults; `failure` is read from their error
PROTOCOL = "lic-bench-4"  # the rules of measuring; a new id whenever a rule changes what a number means

FailureKind = Literal["out_of_memory", "not_tried", "timeout", "crash", "out_of_sync", "error"]
Row = TypeVar("Row", "Record", "Complexity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One image through one codec at one quality. Units are part of the names; rates and dB are derived in the report.

    failure: what kind of failure `error` describes; None where the status is "ok". "not_tried": memory ran out at a
        smaller size. "crash": the codec's process ended, now or at the images before.
    weights: sha256 of the checkpoint, "random", or None for codecs without weights.
    kernels: which implementation of its operators a network computed with; None for codecs without a choice.
    mode: the colour path of a codec that has several. encoder_version: of a coder that is another program or a
        library, what it says itself.
    bpp_estimated: -sum(log2 likelihoods) / (height * width), learned codecs only.
    mse_8bit: on the clamped, rounded 8-bit output, in squared levels (0..255); psnr_db from it.
    ms_ssim: linear, on the same output; None where a side is under 161 pixels.
    decode_mse, decode_max_abs: 8-bit difference between the decoded image and the encoder-side reconstruction.
    encode_s, decode_s: every sample. cold_start_s: name -> seconds of the first call of a freshly loaded codec.
    canary_s: the reference workload's seconds around each sample, one per sample. starts: after which
        start of the codec's process each was taken; [] in older records. rounds_repeated: rounds whose samples
        were thrown away because it had moved; drifted: samples that were kept although it had.
    phases_s: "encode/g_a" and the like -> samples, taken apart from encode_s and decode_s.
    peak_memory_bytes: "weights"; "encode_..." and "decode_..." of the kinds in measurement.peak_memory -> bytes.
    conditions: what the machine did then, see measurement.machine_monitor. energy_j: operation -> joules per image.
    """

    codec: str
    quality: int
    dataset: str
    image: str
    width: int
    height: int
    status: Literal["ok", "failed"]
    error: str | None = None
    failure: FailureKind | None = None
    image_sha256: str | None = None
    weights: str | None = None
    device: str = "cpu"
    entropy_coder: str | None = None
    kernels: str | None = None
    mode: str | None = None
    encoder_version: str | None = None
    payload_bytes: int | None = None
    header_bytes: int | None = None
    bitstream_sha256: str | None = None
    bpp_estimated: float | None = None
    mse_8bit: float | None = None
    psnr_db: float | None = None
    ms_ssim: float | None = None
    decode_mse: float | None = None
    decode_max_abs: int | None = None
    encode_s: list[float] = field(default_factory=list)
    decode_s: list[float] = field(default_factory=list)
    cold_start_s: dict[str, float] = field(default_factory=dict)
    canary_s: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    rounds_repeated: int = 0
    drifted: int = 0
    phases_s: dict[str, list[float]] = field(default_factory=dict)
    peak_memory_bytes: dict[str, int] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    energy_j: dict[str, float] = field(default_factory=dict)
    protocol: str = PROTOCOL
    schema: int = SCHEMA

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What makes a record unique within a run."""
        return self.codec, self.quality, self.dataset, self.image


@dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """Multiply-accumulates and parameters of one codec at one image size by one counter.

    parameters: all trainable values, for thop those it sees. parameters_inference: those that inference needs; None
        where the network does not tell.
    uncounted_ops: operator or module name -> calls that the counter gave no cost.
    macs_by_kind: kind of arithmetic, or custom operator -> its part of macs.
    """

    codec: str
    quality: int
    width: int
    height: int
    counter: Literal["thop", "fvcore", "exact"]
    path: Literal["forward", "encode", "decode"]
    macs: int | None
    parameters: int
    parameters_inference: int | None = None
    uncounted_ops: dict[str, int] = field(default_factory=dict)
    macs_by_kind: dict[str, int] = field(default_factory=dict)
    status: Literal["ok", "failed"] = "ok"
    error: str | None = None
    failure: FailureKind | None = None
    schema: int = SCHEMA

    @property
    def key(self) -> tuple[str, int, str, str, int, int]:
        """What makes a complexity record unique within a run."""
        return self.codec, self.quality, self.counter, self.path, self.height, self.width


def to_json(row: Record | Complexity) -> dict[str, Any]:
    """The row as plain JSON values."""
    return asdict(row)


def from_json(cls: type[Row], values: dict[str, Any], source: str) -> Row:
    """A row read back. Raises UserError, naming `source`, for another schema, and for fields that are not as here."""
    schema = values.get("schema")
    if schema not in READABLE:
        fix = "update lic-bench" if isinstance(schema, int) and schema > SCHEMA else "measure again with --fresh"
        raise UserError(f"{source}: schema {schema!r}, this version reads {SCHEMA}: {fix}.")
    known = {f.name for f in fields(cls)}
    if extra := sorted(set(values) - known):
        raise UserError(f"{source}: unknown field {extra[0]!r} in a {cls.__name__}; known: {', '.join(sorted(known))}.")
    if told := _wrong_times(values) or wrong(values, _KINDS[cls]):
        raise UserError(f"{source}: {told}; remove that line or measure again with --fresh.")
    try:
        return cls(**_with_failure(values))
    except TypeError as error:
        raise UserError(f"{source}: not a complete {cls.__name__}: {error}.") from None


# Of an error of schema 4 and older: how it begins, and what kind of failure that is.
_BEGINNINGS: Mapping[str, FailureKind] = {
    "out of memory": "out_of_memory",
    "not tried: out of memory": "not_tried",
    "not tried:": "crash",
    "stopped: no answer": "timeout",
    "its process": "crash",
    "decoder out of sync": "out_of_sync",
}


def _with_failure(values: dict[str, Any]) -> dict[str, Any]:
    """The values, the failure read from the error where an older version wrote them."""
    if values["schema"] == SCHEMA or values.get("status") != "failed":
        return values
    error = values.get("error") or ""
    kind = next((kind for beginning, kind in _BEGINNINGS.items() if error.startswith(beginning)), "error")
    return {**values, "failure": kind}


_SIDE = Kind(lambda value: is_integer(value) and is_positive(value), "a whole number above 0", "")
_KINDS: Mapping[type, Mapping[str, Kind]] = {
    cls: {**kinds(cls), "width": _SIDE, "height": _SIDE} for cls in (Record, Complexity)
}


def _wrong_times(values: dict[str, Any]) -> str | None:
    """What is wrong with the samples of a row: they are seconds, and what stands beside them is as many."""
    lists = {name: values.get(name) or [] for name in ("encode_s", "decode_s", "canary_s", "starts")}
    for name, found in lists.items():
        if not isinstance(found, list):
            return f"{name} is no list"
        if name != "starts" and not all(map(is_positive, found)):
            return f"{name} has a value that is no time in seconds"
    for name, beside in product(("encode_s", "decode_s"), ("canary_s", "starts")):
        ours, theirs = len(lists[name]), len(lists[beside])
        if ours and theirs and ours != theirs:
            return f"{name} has {ours} values, {beside} {theirs}"
    return None
