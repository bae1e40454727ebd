"""The table of metrics: for each number that is compared its unit, its better direction and its default gate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal, TypeAlias

from lic_bench.compare.gates import Exact, Gate, Off, Shown, Timed, Tolerance

Better: TypeAlias = Literal["lower", "higher", None]
SECONDS, BYTES, MACS, FAILED_IMAGES = "s", "bytes", "MACs", "failed images"  # units
MIB = 2**20
EXACT = Exact()
STATUS = "status"
PEAK = "peak_"  # before the names of Record.peak_memory_bytes: peak_encode_rss


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric, or a row of the table for all metrics that fit a pattern (fnmatch).

    field_of: the stored row with a field of this name; None for the status, which both have, and for peak memory.
    is_text: whether its values are only equal or not.
    better: which values are better, lower or higher ones; of the status, numbers of failed images. None for texts.
    part: of `lic-bench run --measure`; None for what comes with every part.
    title: above figures. axis: what figures divide the value by, and the unit then; None for the value as it is.
    """

    name: str
    field_of: Literal["record", "complexity", None] = None
    is_text: bool = False
    unit: str = ""
    better: Better = None
    part: str | None = None
    gate: Gate = EXACT
    title: str = ""
    axis: tuple[float, str] | None = None

    @property
    def is_time(self) -> bool:
        """Whether each image has samples, which need statistics."""
        return self.unit == SECONDS

    @property
    def is_sampled(self) -> bool:
        """Whether it is sampled, and may be missing for a short call."""
        return self.name.endswith(("_children_rss", "_nvml_process", "_nvml_process_growth", "_nvml_device"))

    @property
    def is_shared(self) -> bool:
        """Whether it includes the memory of other codecs in the same process."""
        return self.part == "memory" and not self.name.endswith(("weights", "_growth", "_children_rss"))

    def accepts(self, gate: type[Gate]) -> bool:
        """Whether gates of this kind can judge it."""
        kinds = (Timed,) if self.is_time else (Exact,) if self.is_text else (Exact, Tolerance)
        return gate in (*kinds, Shown, Off)


_TIME = Metric(name="", field_of="record", unit=SECONDS, better="lower", part="latency", gate=Timed())
_PEAK = Metric(name=f"{PEAK}*", unit=BYTES, better="lower", part="memory", axis=(MIB, "MiB"))


def _peak(name: str, absolute: int) -> Metric:
    return replace(_PEAK, name=name, gate=Tolerance(relative=0.05, absolute=absolute))


# The first row whose name fits decides.
TABLE: Sequence[Metric] = (
    replace(_TIME, name="encode_s", title="Encoding time"),
    replace(_TIME, name="decode_s", title="Decoding time"),
    Metric(name=STATUS, is_text=True, unit=FAILED_IMAGES, better="lower", title="Failures"),
    Metric(name="payload_bytes", field_of="record", unit=BYTES, better="lower", title="Payload per image"),
    Metric(name="header_bytes", field_of="record", unit=BYTES, better="lower", title="Header per image"),
    Metric(name="bitstream_sha256", field_of="record", is_text=True, title="Bitstreams"),
    Metric(name="mse_8bit", field_of="record", unit="squared levels", better="lower", part="quality", title="MSE"),
    Metric(
        name="ms_ssim", field_of="record", better="higher", part="quality", title="MS-SSIM",
        gate=Tolerance(absolute=1e-6),  # a float32 network of its own; the MSE of the same pixels is exact
    ),
    Metric(name="decode_max_abs", field_of="record", unit="levels", better="lower"),
    Metric(
        name="macs", field_of="complexity", unit=MACS, better="lower", part="complexity",
        title="Multiply-accumulates", axis=(1e9, "G MACs"),
    ),
    Metric(
        name="parameters", field_of="complexity", better="lower", part="complexity",
        title="Parameters", axis=(1e6, "millions"),
    ),
    _peak("*_children_rss", 16 * MIB),
    _peak("*_rss*", 64 * MIB),  # it may contain what the C library kept from earlier calls
    replace(_PEAK, name="*_nvml_device", gate=Off()),  # other processes are in it
    _peak("*_nvml_*", 64 * MIB),
    _peak("*_reserved*", 2 * MIB),
    _PEAK,
    Metric(name="*"),
)  # fmt: skip
TIMES = tuple(metric.name for metric in TABLE if metric.is_time)
_MEMORY = (
    *("allocated", "allocated_growth", "reserved", "reserved_growth", "rss", "rss_growth", "children_rss"),
    *("nvml_process", "nvml_process_growth", "nvml_device"),
)
# Every name that a metric has today.
NAMES = (
    *(metric.name for metric in TABLE if "*" not in metric.name),
    f"{PEAK}weights",
    *(f"{PEAK}{operation}_{kind}" for operation in ("encode", "decode") for kind in _MEMORY),
)


@cache
def metric_of(name: str) -> Metric:
    """The metric of this name: the first row of the table that fits it."""
    return replace(next(metric for metric in TABLE if fnmatchcase(name, metric.name)), name=name)
