"""The gates of a comparison: those of a TOML file, and for every other metric that of the table of metrics."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lic_bench.compare.gates import KINDS, Gate
from lic_bench.compare.metric_table import NAMES, TIMES, Metric, metric_of
from lic_bench.compare.toml_file import read_table
from lic_bench.errors import UserError, unknown

LARGEST = 1e12  # number in a gate


@dataclass(frozen=True, slots=True)
class Gates:
    """Pattern of metric names -> gate, in the order in which they are tried, before the defaults."""

    by_pattern: Mapping[str, Gate] = field(default_factory=dict)

    def of(self, name: str) -> Gate:
        """The first gate whose pattern fits the metric and that can judge it, else the metric's default."""
        metric = metric_of(name)
        fitting = (gate for pattern, gate in self.by_pattern.items() if fnmatchcase(name, pattern))
        return next((gate for gate in fitting if metric.accepts(type(gate))), metric.gate)


def read_gates(path: Path | None) -> Gates:
    """The gates of a TOML file before the defaults; the defaults alone without a file.

    A table per metric or pattern: [metrics.encode_s], gate = "timed", least = 0.05. The first that fits counts. `gate`
    and numbers that a table does not name are those of the metric's default.
    Raises UserError for another structure or value, and for a pattern that no metric fits.
    """
    if path is None:
        return Gates()
    tables = read_table(path, "metrics", f"--gate {path}:", {})
    if not isinstance(tables, dict):
        raise UserError(f"--gate {path}: metrics = {tables!r}; write a table per metric, as [metrics.encode_s].")
    return Gates({pattern: _read_gate(pattern, table, path) for pattern, table in tables.items()})


def _read_gate(pattern: str, table: Any, path: Path) -> Gate:
    where = f"[metrics.{pattern}] of {path}"
    if not isinstance(table, dict):
        raise UserError(f'{where} is {table!r}; write a table, as in gate = "exact".')
    metric = _metric_of_pattern(pattern, path)
    name = table.get("gate", metric.gate.name)
    if not isinstance(name, str) or name not in KINDS:
        raise unknown(f"gate in {where}", str(name), KINDS)
    kind = KINDS[name]
    if not metric.accepts(kind):
        raise UserError(f"{where}: gate {name!r} does not fit; {_allowed_gates(metric)}.")
    defaults = metric.gate if kind is type(metric.gate) else kind()
    known = {f.name: getattr(defaults, f.name) for f in fields(kind) if f.default is not MISSING}
    return kind(**(known | {key: _read_number(key, table[key], known, where) for key in table if key != "gate"}))


def _metric_of_pattern(pattern: str, path: Path) -> Metric:
    """A metric that fits if all that do are times or all are texts, else the row of the table that the pattern fits."""
    fitting = [metric_of(name) for name in NAMES if fnmatchcase(name, pattern)]
    if not fitting:
        raise unknown(f"metric in {path}", pattern, NAMES)
    alike = all(metric.is_time for metric in fitting) or all(metric.is_text for metric in fitting)
    return fitting[0] if alike else metric_of(pattern)


def _allowed_gates(metric: Metric) -> str:
    if metric.is_time:
        return "times are timed, shown or off"
    return "texts are exact, shown or off" if metric.is_text else f"only {' and '.join(TIMES)} can be timed"


def _read_number(key: str, value: Any, known: Mapping[str, float], where: str) -> float:
    if key not in known:
        raise unknown(f"key in {where}", key, ["gate", *known])
    largest, allowed = (1, "from 0 to 1") if key == "alpha" else (LARGEST, "from 0 on")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        raise UserError(f"{where}: {key} = {value!r}; give a number {allowed}.")
    return float(value)
