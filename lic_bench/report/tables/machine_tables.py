"""What each run was made on, and what disturbed it there: the tables `machines` and `conditions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from lic_bench.measurement.disturbances import disturbed, worst
from lic_bench.report.labels import machine_name, measured_label
from lic_bench.report.tables.codec_columns import DATASET, METHOD, SOURCE
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, text_cell
from lic_bench.store.run_folder import Run

# Ranges of readings by their name in `conditions`: title and group of the column.
RANGES: Mapping[str, tuple[str, str]] = {
    "cpu_mhz": ("clock [MHz]", "CPU"),
    "load_1m": ("load", "CPU"),
    "gpu_sm_mhz": ("SM clock [MHz]", "GPU"),
    "gpu_temperature_c": ("temperature [C]", "GPU"),
    "gpu_power_w": ("power [W]", "GPU"),
}
PARTED = ("processor", "limits", "gpu_parts", "packages", "coders")  # of the fingerprint: names that always are there
# What steers clocks and older fingerprints, or all, leave out: part of the environment -> names there.
STEERED = {"processor": ("preference", "min_mhz"), "gpu": ("clocks_locked", "clocks_applied_mhz")}
SHARES = {"cpu_others_share": "others", "cpu_steal_share": "stolen", "cpu_waited_share": "waited"}
CONDITIONS = (
    METHOD,
    SOURCE,
    *(DATASET, Column("n_records", "watched", "Images")),
    *(Column("n_disturbed", "disturbed", "Images"), Column("what", "by what, at worst", "Images", "left")),
    *(Column("n_samples", "timed", "Samples"), Column("n_drifted", "drifted", "Samples")),
    *(Column(name.replace("_share", "_pct"), title, "Share of the CPU [%]") for name, title in SHARES.items()),
    *(Column(name, title, group) for name, (title, group) in RANGES.items()),
    *(Column("gpu_foreign_processes", "others", "GPU"), Column("gpu_reasons", "slowed by", "GPU", "left")),
    Column("gpu_clocks_locked", "clocks locked", "GPU"),
    *(Column(f"{name}_j", name, "Energy per image [J]") for name in ("encode", "decode")),
)
MACHINES = (
    *(Column("run", "Run", align="left"), Column("cpu", "CPU", align="left"), Column("cores", "Cores")),
    *(Column("memory_gb", "Memory [GB]"), Column("governor", "Governor", align="left")),
    *(Column("gpu", "GPU", align="left"), Column("driver", "Driver", align="left")),
    *(Column("torch", "torch", align="left"), Column("threads", "Threads"), Column("system", "System", align="left")),
    *(Column("container", "Container", align="left"), Column("differs", "Differs from the first in", align="left")),
)


def machines_table(runs: Sequence[Run]) -> Table:
    """What the runs were made on, a row each, and what keeps their times from being compared with the first run's."""
    caption = (
        "Times may be compared where nothing differs in what they hang on: processor and what steers its clocks, "
        "limits of the container, GPU, its clocks and driver, threads, protocol, whether each codec had a process of "
        "its own, torch and its switches, packages and the libraries behind Pillow, environment variables. All of it "
        "is under Runs."
    )
    rows = [Row("measured", _machine_cells(run, runs[0])) for run in runs if run.info.get("environment")]
    return Table("machines", "Machines", caption, MACHINES, rows)


def conditions_table(runs: Sequence[Run]) -> Table:
    """What the machine did while each codec was measured, a row per run, codec, device and data set.

    Columns of which no run tells anything are left out.
    """
    caption = (
        "Lowest and highest reading around the samples. others: CPU time that other programs took; stolen: that other "
        "virtual machines took; waited: of the time in which the codec's threads were ready to run, what they waited "
        "for a CPU; each of the worst image. Images count once per quality; disturbed: those with over 5, 1 or 5 % of "
        "these, a hot processor, swapping, other processes on the GPU, or a GPU that was slowed down. Samples: timed "
        "pairs of encoding and decoding; drifted: those that are kept although the reference workload took more than "
        "3 % longer or shorter around them. Others on a GPU are unknown where its driver does not list our own "
        "processes, as in many containers. Energy: of the whole device, what it takes when idle included."
    )
    rows = [Row("measured", cells) for run in runs for cells in _watched(run)]
    told = [column for column in CONDITIONS if any(row.cells[column.key].text != "-" for row in rows)]
    return Table("conditions", "Measuring conditions", caption, told, rows)


def machine_differences(run: Run, other: Run) -> list[str]:
    """What two runs that both tell it had differently of what times hang on; the codecs' own parts aside."""
    mine, theirs = _decisive(run), _decisive(other)
    return [name.replace("_", " ") for name in mine if name in theirs and mine[name] != theirs[name]]


def _decisive(run: Run) -> dict[str, Any]:
    """What times hang on, by name, as far as the run tells it."""
    fingerprint, config, environment = (run.info.get(name) or {} for name in ("fingerprint", "config", "environment"))
    found = {name: value for name, value in fingerprint.items() if name not in ("kernels", "programs", *PARTED)}
    for part in PARTED:
        found |= _named(part.removesuffix("_parts"), fingerprint.get(part) or {})
    for part, names in STEERED.items():
        told = environment.get(part) or {}
        found |= _named(part, {name: told[name] for name in names if name in told and not _untold(name, told[name])})
    return found | {name: config[name] for name in ("threads", "protocol", "isolate") if name in config}


def _untold(name: str, value: Any) -> bool:
    """Older runs say False for what they could not see, as their GPU was idle when it was asked."""
    return name == "clocks_locked" and not value


def _named(part: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{part} {name}": value for name, value in values.items()}


def _machine_cells(run: Run, first: Run) -> dict[str, Cell]:
    found = run.info["environment"]
    processor, gpu = found.get("processor") or {}, found.get("gpu") or {}
    container = found.get("container") or {}
    values = {
        "cpu": machine_name(run.info, "cpu"),
        "cores": found.get("cores_usable"),
        "memory_gb": _rounded(found.get("memory_bytes")),
        "governor": processor.get("governor"),
        "gpu": gpu.get("name"),
        "driver": gpu.get("driver"),
        "torch": (found.get("packages") or {}).get("torch"),
        "threads": found.get("threads"),
        "system": found.get("system"),
        "container": ", ".join(container.get("hints") or ()),
    }
    cells = {"run": text_cell(run.name)} | {name: text_cell(value or "-") for name, value in values.items()}
    return cells | {
        "differs": text_cell("-" if run is first else ", ".join(machine_differences(run, first)) or _same(run, first))
    }


def _same(run: Run, other: Run) -> str:
    """What is told grows with the program: an older run may not tell of a difference."""
    alike = _decisive(run).keys() == _decisive(other).keys()
    return "nothing" if alike else "nothing that both tell"


def _rounded(size: int | None) -> str:
    return "" if size is None else f"{size / 1e9:.1f}"


def _watched(run: Run) -> Iterator[dict[str, Cell]]:
    seen = run.records[run.records.conditions.map(bool)]
    for _, group in seen.groupby(["codec", "device", "dataset"], sort=False):
        yield _where(run, group) | _condition_cells(group)


def _where(run: Run, group: pd.DataFrame) -> dict[str, Cell]:
    first = group.iloc[0]
    label = measured_label(first.codec, first["mode"])
    return {
        "method": text_cell(label),
        "source": text_cell(f"{run.name} ({first.device})"),
        "dataset": text_cell(first.dataset),
    }


def _condition_cells(group: pd.DataFrame) -> dict[str, Cell]:
    conditions = group.conditions.tolist()
    bad = [found for found in conditions if disturbed(found)]
    whole = worst(conditions)
    cells = {
        "n_records": number_cell(len(conditions), 0),
        "n_disturbed": number_cell(len(bad), 0),
        "n_samples": number_cell(sum(map(len, group.encode_s)) or None, 0),
        "n_drifted": number_cell(int(group.drifted.sum()), 0),
        "what": text_cell("; ".join(disturbed(worst(bad))) or "-"),
        "gpu_foreign_processes": _foreign(whole),
        "gpu_reasons": text_cell(", ".join(whole.get("gpu_reasons", ())).replace("_", " ") or "-"),
        "gpu_clocks_locked": text_cell({True: "yes", False: "no"}.get(whole.get("gpu_clocks_locked", ""), "-")),
    }
    cells |= {name.replace("_share", "_pct"): number_cell(_percent(whole.get(name)), 1) for name in SHARES}
    cells |= {name: _range(whole.get(name)) for name in RANGES}
    return cells | {f"{name}_j": number_cell(_energy(group, name), 2) for name in ("encode", "decode")}


def _foreign(whole: Mapping[str, Any]) -> Cell:
    """Of a GPU that was watched, not to know of others is not to have seen none."""
    watched = any(name.startswith("gpu_") for name in whole)
    count = whole.get("gpu_foreign_processes")
    return text_cell("unknown") if watched and count is None else number_cell(count, 0)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _range(values: Sequence[float] | None) -> Cell:
    if not values:
        return text_cell("-")
    shown = [f"{value:.{0 if value >= 100 else 1}f}" for value in values]
    return text_cell(shown[0] if shown[0] == shown[1] else " .. ".join(shown))


def _energy(group: pd.DataFrame, operation: str) -> float | None:
    """Joules per image, the mean over the images that have it."""
    joules = [found[operation] for found in group.energy_j if operation in found]
    return sum(joules) / len(joules) if joules else None
