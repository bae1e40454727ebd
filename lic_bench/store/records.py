"""What is stored: a Record per codec, quality and image, a Complexity per codec, quality, counter and path, a
Throughput per codec, quality, data set and batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Interval, Len
from typing_extensions import TypedDict

SCHEMA = 11
READABLE = (*range(3, SCHEMA + 1),)  # older rows lack only fields with defaults; see record_log for two of them
PROTOCOL = "lic-bench-4"  # the rules of measuring; a new id whenever a rule changes what a number means

LARGEST = 10**18  # nothing that is measured comes near, and squares stay far from overflow
Number = Annotated[float, Interval(ge=-LARGEST, le=LARGEST)]
Integer = Annotated[int, Interval(ge=-LARGEST, le=LARGEST)]
Seconds = Annotated[float, Interval(gt=0, le=LARGEST)]
Positive = Annotated[int, Interval(gt=0, le=LARGEST)]
Count = Annotated[int, Interval(ge=0, le=LARGEST)]
Range = Annotated[list[Number], Len(2, 2)]  # lowest, highest
STRICT = {"strict": True, "extra": "forbid", "allow_inf_nan": False}  # pydantic's configuration of stored dataclasses

ELSEWHERE = "elsewhere"  # the device of what was coded and decoded elsewhere, and only measured here
LIMITS_OF_MEMORY = ("out_of_memory", "not_tried")  # failures that a scaling run looks for
FailureKind = Literal["out_of_memory", "not_tried", "timeout", "crash", "out_of_sync", "error"]
Row = TypeVar("Row", "Record", "Complexity", "Throughput")
AFTERWARDS = frozenset(("perceptual",))  # parts that are taken of what was saved, when all coding is over
COSTS = frozenset(("latency", "memory", "throughput"))  # parts for which a codec really has to work, alone
# Part of a measurement -> the fields of a Record that it fills, the first of which is never empty.
FIELDS_OF_PART: Mapping[str, Sequence[str]] = {
    "quality": (
        *("mse_8bit", "psnr_db", "ms_ssim", "payload_bytes", "header_bytes", "bitstream_sha256", "bpp_estimated"),
        *("decode_mse", "decode_max_abs", "decoder", "base_max_abs"),
    ),
    "latency": (
        *("encode_s", "decode_s", "cold_start_s", "canary_s", "starts", "rounds_repeated", "drifted"),
        *("conditions", "energy_j"),
    ),
    "phases": ("phases_s",),
    "memory": ("peak_memory_bytes",),
    "pictures": ("saved_picture",),
    "bitstreams": ("saved_bitstream",),
    "perceptual": ("perceptual", "perceptual_by"),
}
OTHER_ROWS = ("complexity", "throughput")  # measurements that fill no Record, but rows of their own
# Fields of a Record that say what was to be measured, and by what.
IDENTITY = (
    *("codec", "quality", "dataset", "image", "image_sha256", "width", "height", "device", "commit"),
    *("entropy_coder", "weights", "kernels", "mode", "encoder_version"),
)


class Conditions(TypedDict, total=False):
    """What the machine did while something was measured; what it does not tell is absent.

    seconds, readings (their number); cpu_own_s: CPU seconds of this process and those that it started.
    cpu_others_share, cpu_steal_share: what other programs, and other virtual machines on the same hardware, took of the
    time of the CPUs that this process may use. cpu_waited_share: what our threads spent waiting for a CPU, of the time
    in which they were ready to run. cpu_package_j, gpu_energy_j: joules. gpu_power_cap_s, gpu_thermal_s: seconds of
    being slowed down for that reason. cpu_throttles, swapped_pages, major_faults: events. load_1m, cpu_mhz, gpu_sm_mhz
    (of a GPU at work), gpu_temperature_c, gpu_power_w, gpu_utilisation_pct: [lowest, highest]. gpu_foreign_processes:
    the most at once; gpu_reasons: all that occurred; gpu_clocks_locked: whether they were at every reading that tells.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic's own way
    seconds: Number
    readings: Number
    cpu_own_s: Number
    cpu_others_share: Number
    cpu_steal_share: Number
    cpu_waited_share: Number
    cpu_package_j: Number
    cpu_throttles: Number
    swapped_pages: Number
    major_faults: Number
    load_1m: Range
    cpu_mhz: Range
    gpu_energy_j: Number
    gpu_power_cap_s: Number
    gpu_thermal_s: Number
    gpu_sm_mhz: Range
    gpu_temperature_c: Range
    gpu_power_w: Range
    gpu_utilisation_pct: Range
    gpu_foreign_processes: Integer
    gpu_reasons: list[str]
    gpu_clocks_locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One image through one codec at one quality. Units are part of the names; rates and dB are derived in the report.

    width, height: 0 where the image cannot be read, so of failed records alone.
    failure: what kind of failure `error` describes; None where the status is "ok". "not_tried": memory ran out at a
        smaller size. "crash": the codec's process ended, now or at the images before.
    weights: sha256 of the checkpoint, "random", or None for codecs without weights.
    kernels: which implementation of its operators a network computed with; None for codecs without a choice.
    mode: the colour path of a codec that has several. encoder_version: of a coder that is another program or a
        library, what it says itself.
    bpp_estimated: -sum(log2 likelihoods) / (height * width), learned codecs only.
    mse_8bit: on the clamped, rounded 8-bit output, in squared levels (0..255); psnr_db from it.
    ms_ssim: linear, on the same output; None where a side is under 161 pixels.
    device: on which it was coded; ELSEWHERE: not here, where payload_bytes are those that were told, headers included.
    decode_mse, decode_max_abs: 8-bit difference between the decoded image and the encoder-side reconstruction.
    decoder: what decoded the bytes for the check: "process", one of its own that never had the image; "instance",
        another instance of the codec in the process that had it; None in older records.
    base_max_abs: of a variant, the largest 8-bit difference between its decoded image and that of its base with the
        same weights, each from its own bytes; None for other codecs, where the base fails, and in older records.
    encode_s, decode_s: every sample. cold_start_s: name -> seconds of the first call of a freshly loaded codec.
    canary_s: the reference workload's seconds around each sample, one per sample. starts: after which
        start of the codec's process each was taken; [] in older records. rounds_repeated: rounds whose samples
        were thrown away because it had moved; drifted: samples that were kept although it had.
    phases_s: "encode/g_a" and the like -> samples, taken apart from encode_s and decode_s.
    peak_memory_bytes: "weights"; "encode_..." and "decode_..." of the kinds in measurement.peak_memory -> bytes.
    saved_picture, saved_bitstream: the hashes under which a run that saves them keeps the decoder's picture, and the
        file from which it can be decoded again, see store.saved_files.
    perceptual: name of a metric of measurement.perceptual -> its value of the decoded 8-bit picture; None where it has
        none, as the picture is too small for it or the value infinite. perceptual_by: -> who measured it, with version.
    conditions: what the machine did then. energy_j: operation -> joules per image.
    parts: what was measured, of FIELDS_OF_PART.
    worker: of a cluster, the name of the one that measured it, or took its times if it has some; see run.json.
    commit: of lic-bench, where it is not that of run.json: a run that was gone on with by --allow commit.
    """

    codec: str
    quality: Integer
    dataset: str
    image: str
    width: Count
    height: Count
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
    payload_bytes: Integer | None = None
    header_bytes: Integer | None = None
    bitstream_sha256: str | None = None
    bpp_estimated: Number | None = None
    mse_8bit: Number | None = None
    psnr_db: Number | None = None
    ms_ssim: Number | None = None
    decode_mse: Number | None = None
    decode_max_abs: Integer | None = None
    decoder: Literal["process", "instance"] | None = None
    base_max_abs: Integer | None = None
    encode_s: list[Seconds] = field(default_factory=list)
    decode_s: list[Seconds] = field(default_factory=list)
    cold_start_s: dict[str, Number] = field(default_factory=dict)
    canary_s: list[Seconds] = field(default_factory=list)
    starts: list[Integer] = field(default_factory=list)
    rounds_repeated: Integer = 0
    drifted: Integer = 0
    phases_s: dict[str, list[Number]] = field(default_factory=dict)
    peak_memory_bytes: dict[str, Integer] = field(default_factory=dict)
    saved_picture: str | None = None
    saved_bitstream: str | None = None
    perceptual: dict[str, Number | None] = field(default_factory=dict)
    perceptual_by: dict[str, str] = field(default_factory=dict)
    conditions: Conditions = field(default_factory=lambda: Conditions())
    energy_j: dict[str, Number] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    worker: str | None = None
    protocol: str = PROTOCOL
    commit: str | None = None
    schema: int = SCHEMA
    __pydantic_config__ = STRICT

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What makes a record unique within a run."""
        return self.codec, self.quality, self.dataset, self.image

    def joined_with(self, later: "Record") -> "Record":
        """This record, and of a later one of the same job, coded to the same bytes, the parts that this one lacks."""
        added = [part for part in later.parts if part not in self.parts]
        fields: dict[str, Any] = {name: getattr(later, name) for part in added for name in FIELDS_OF_PART[part]}
        fields["worker"] = later.worker if COSTS & {*added} else self.worker
        return replace(self, **fields, parts=[part for part in FIELDS_OF_PART if part in {*added, *self.parts}])

    def with_perceptual(self, values: Mapping[str, float | None], by: Mapping[str, str]) -> "Record":
        """This record and these values, of the picture that it saved, with who measured each."""
        parts = [part for part in FIELDS_OF_PART if part in {*self.parts, "perceptual"}]
        values, by = self.perceptual | dict(values), self.perceptual_by | dict(by)
        return replace(self, perceptual=values, perceptual_by=by, parts=parts)

    def as_failed(self, error: str, failure: FailureKind = "error") -> "Record":
        """The failed record of the same job: what says which job it was, and how it failed."""
        identity: dict[str, Any] = {name: getattr(self, name) for name in IDENTITY}
        return Record(**identity, status="failed", error=error, failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """Multiply-accumulates and parameters of one codec at one image size by one counter.

    parameters: all trainable values, for thop those it sees. parameters_inference: those that inference needs; None
        where the network does not tell.
    uncounted_ops: operator or module name -> calls that the counter gave no cost.
    macs_by_kind: kind of arithmetic, or custom operator -> its part of macs.
    failure, commit: as in Record.
    """

    codec: str
    quality: Integer
    width: Positive
    height: Positive
    counter: Literal["thop", "fvcore", "exact"]
    path: Literal["forward", "encode", "decode"]
    macs: Integer | None
    parameters: Integer
    parameters_inference: Integer | None = None
    uncounted_ops: dict[str, Integer] = field(default_factory=dict)
    macs_by_kind: dict[str, Integer] = field(default_factory=dict)
    status: Literal["ok", "failed"] = "ok"
    error: str | None = None
    failure: FailureKind | None = None
    commit: str | None = None
    schema: int = SCHEMA
    __pydantic_config__ = STRICT

    @property
    def key(self) -> tuple[str, int, str, str, int, int]:
        """What makes a complexity record unique within a run."""
        return self.codec, self.quality, self.counter, self.path, self.height, self.width

    def as_failed(self, error: str, failure: FailureKind = "error") -> "Complexity":
        """The failed record of the same count."""
        what: dict[str, Any] = {name: getattr(self, name) for name in ("codec", "quality", "width", "height")}
        what |= {"counter": self.counter, "path": self.path, "macs": None, "parameters": 0, "commit": self.commit}
        return Complexity(**what, status="failed", error=error, failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """How fast one codec codes images of one size at one quality, `batch` of them in each call.

    images: coded for each sample, in images / batch calls. pictures: different ones among them; fewer where the data
        set has no more of this size, which then take turns.
    encode_s, decode_s: every sample, seconds for all images together, from tensors to the strings of each image and
        back to 8-bit pictures. canary_s, rounds_repeated, drifted, failure, weights, kernels, worker, commit: as in
        Record.
    changed: names of the pictures that get other bytes in a batch, or in one of the reverse order, than alone.
    """

    codec: str
    quality: Integer
    dataset: str
    width: Positive
    height: Positive
    batch: Positive
    images: Positive
    pictures: Positive
    status: Literal["ok", "failed"]
    error: str | None = None
    failure: FailureKind | None = None
    device: str = "cpu"
    weights: str | None = None
    kernels: str | None = None
    entropy_coder: str | None = None
    encode_s: list[Seconds] = field(default_factory=list)
    decode_s: list[Seconds] = field(default_factory=list)
    canary_s: list[Seconds] = field(default_factory=list)
    rounds_repeated: Integer = 0
    drifted: Integer = 0
    changed: list[str] = field(default_factory=list)
    worker: str | None = None
    protocol: str = PROTOCOL
    commit: str | None = None
    schema: int = SCHEMA
    __pydantic_config__ = STRICT

    @property
    def key(self) -> tuple[str, int, str, int, int, int]:
        """What makes a throughput record unique within a run."""
        return self.codec, self.quality, self.dataset, self.height, self.width, self.batch

    def as_failed(self, error: str, failure: FailureKind = "error") -> "Throughput":
        """The failed record of the same batches."""
        names = ("codec", "quality", "dataset", "width", "height", "batch", "images", "pictures", "device")
        what: dict[str, Any] = {name: getattr(self, name) for name in (*names, "entropy_coder", "commit")}
        return Throughput(**what, status="failed", error=error, failure=failure)
