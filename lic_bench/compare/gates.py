"""What may change by how much: a gate per metric, by default or from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from lic_bench.errors import UserError, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Every image's value is the same, to the last bit, or better, which passes; one that got worse is WORSE."""

    name: ClassVar[str] = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """The mean over the images moves by no more than the larger of relative * |base| and absolute (in its unit)."""

    name: ClassVar[str] = "tolerance"
    relative: float = 0.0
    absolute: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A change counts from max(least, mads * noise) on, if a test corrected for all times says so at `alpha`.

    least: relative. noise: the median absolute deviation of parts of the series, see lic_bench.compare.statistics.
    alpha: of one look; there may be four, each of which could err.
    once: relative; from here on a change counts although it was seen only once, in one process of each run.
    """

    name: ClassVar[str] = "timed"
    least: float = 0.03
    once: float = 0.2
    mads: float = 3.0
    alpha: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Every change is shown as AMBIGUOUS, be it that the value is missing; none is a regression."""

    name: ClassVar[str] = "shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Off:
    """Not compared."""

    name: ClassVar[str] = "off"


Gate: TypeAlias = Exact | Tolerance | Timed | Shown | Off
KINDS: Mapping[str, type[Gate]] = {kind.name: kind for kind in (Exact, Tolerance, Timed, Shown, Off)}

# The first pattern that fits a metric's name (see lic_bench.compare.metrics) decides.
DEFAULTS: Mapping[str, Gate] = {
    "encode_s": Timed(),
    "decode_s": Timed(),
    "ms_ssim": Tolerance(absolute=1e-6),  # a float32 network of its own; the MSE of the same pixels is exact
    "*_children_rss": Tolerance(relative=0.05, absolute=16 * 2**20),  # sampled
    "*_rss*": Tolerance(relative=0.05, absolute=64 * 2**20),  # what the C library has kept from before is in it or not
    "*_nvml_device": Off(),  # other processes are in it
    "*_nvml_*": Tolerance(relative=0.05, absolute=64 * 2**20),
    "*_reserved*": Tolerance(relative=0.05, absolute=2 * 2**20),
    "*": Exact(),
}
TIMES = ("encode_s", "decode_s")
TEXTS = ("status", "bitstream_sha256")
# The kinds of peaks of memory, see lic_bench.measurement.peak_memory.
PEAKS = (
    *("allocated", "allocated_growth", "reserved", "reserved_growth", "rss", "rss_growth", "children_rss"),
    *("nvml_process", "nvml_process_growth", "nvml_device"),
)
METRICS = (
    *(*TIMES, "status", "payload_bytes", "header_bytes", "bitstream_sha256", "mse_8bit", "ms_ssim", "decode_max_abs"),
    *("macs", "parameters", "peak_weights"),
    *(f"peak_{operation}_{kind}" for operation in ("encode", "decode") for kind in PEAKS),
)


@dataclass(frozen=True, slots=True)
class Gates:
    """Pattern of metric names -> gate, in the order in which they are tried."""

    by_pattern: Mapping[str, Gate]

    def of(self, metric: str) -> Gate:
        """The gate of a metric: the first whose pattern fits it and whose kind does; exact where none does."""
        fitting = (gate for pattern, gate in self.by_pattern.items() if fnmatchcase(metric, pattern))
        return next((gate for gate in fitting if _fits(gate.name, metric)), Exact())


def read(path: Path | None) -> Gates:
    """The gates of a TOML file before the defaults; the defaults alone without a file.

    A table per metric or pattern: [metrics.encode_s], gate = "timed", least = 0.05. Of several that fit the first
    counts. Without `gate` it is the kind that the metric has by default, and what the table does not name stays as it
    is there. Raises UserError for a file that is not so, and for a pattern that no metric fits.
    """
    if path is None:
        return Gates(DEFAULTS)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"--gate {path}: cannot be read as TOML ({reason}).") from None
    for name in content:
        if name != "metrics":
            raise unknown(f"table in {path}", name, ["metrics"])
    tables = content.get("metrics", {})
    if not isinstance(tables, dict):
        raise UserError(f"--gate {path}: metrics = {tables!r}; write a table per metric, as [metrics.encode_s].")
    own = {metric: _gate(metric, table, path) for metric, table in tables.items()}
    return Gates({**own, **{pattern: gate for pattern, gate in DEFAULTS.items() if pattern not in own}})


def _fits(gate: str, metric: str) -> bool:
    """Whether a gate of this name can judge the metric: samples need statistics, and texts are alike or not."""
    allowed = {Timed.name} if metric in TIMES else {Exact.name} if metric in TEXTS else {Exact.name, Tolerance.name}
    return gate in allowed | {Shown.name, Off.name}


def _misfit(metric: str) -> str:
    if metric in TIMES:
        return "times are timed, shown or off"
    if metric in TEXTS:
        return "texts are exact, shown or off"
    return f"only {' and '.join(TIMES)} can be timed"


def _gate(metric: str, table: Any, path: Path) -> Gate:
    where = f"[metrics.{metric}] of {path}"
    if not isinstance(table, dict):
        raise UserError(f'{where} is {table!r}; write a table, as in gate = "exact".')
    fitting = [name for name in METRICS if fnmatchcase(name, metric)]
    if not fitting:
        raise unknown(f"metric in {path}", metric, METRICS)
    alike = any(set(fitting) <= set(kind) for kind in (TIMES, TEXTS))
    one = fitting[0] if alike else metric  # that the pattern stands for
    default = Gates(DEFAULTS).of(one)
    name = table.get("gate", default.name)
    if not isinstance(name, str) or name not in KINDS:
        raise unknown(f"gate in {where}", str(name), KINDS)
    if not _fits(name, one):
        raise UserError(f"{where}: gate {name!r} does not fit; {_misfit(one)}.")
    kind = KINDS[name]
    known = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    if kind is type(default):
        known = {key: getattr(default, key) for key in known}
    for key, value in table.items():
        if key != "gate" and key not in known:
            raise unknown(f"key in {where}", key, ["gate", *known])
        most = 1 if key == "alpha" else 1e12
        if key != "gate" and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most):
            allowed = "from 0 to 1" if key == "alpha" else "from 0 on"
            raise UserError(f"{where}: {key} = {value!r}; give a number {allowed}.")
    return kind(**{key: float(table.get(key, value)) for key, value in known.items()})
