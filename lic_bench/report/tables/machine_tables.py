"""The tables `machines`, what each run was made on, and `conditions`, what disturbed it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from lic_bench.measurement.disturbances import list_disturbances, worst_conditions
from lic_bench.report.labels import machine_name, measured_label
from lic_bench.report.tables.codec_columns import DATASET, METHOD, SOURCE
from lic_bench.report.tables.table import Cell, Column, Row, Table, number_cell, number_columns, text_cell, text_columns
from lic_bench.store.run_folder import Run
from lic_bench.store.run_json import is_elsewhere

# Ranges of readings by their name in `conditions`: title and group of the column.
RANGES: Mapping[str, tuple[str, str]] = {
    "cpu_mhz": ("clock [MHz]", "CPU"),
    "load_1m": ("load", "CPU"),
    "gpu_sm_mhz": ("SM clock [MHz]", "GPU"),
    "gpu_temperature_c": ("temperature [C]", "GPU"),
    "gpu_power_w": ("power [W]", "GPU"),
}
# Parts of the fingerprint whose values are compared one by one.
PARTED = ("processor", "limits", "gpu_parts", "packages", "coders")
# What sets clocks and is missing in fingerprints, or in older ones: part of the environment -> names there.
CLOCK_SETTINGS = {"processor": ("preference", "min_mhz"), "gpu": ("clocks_locked", "clocks_applied_mhz")}
SHARES = {"cpu_others_share": "others", "cpu_steal_share": "stolen", "cpu_waited_share": "waited"}
CONDITIONS = (
    *(METHOD, SOURCE, DATASET),
    *number_columns("Images", n_records="watched", n_disturbed="disturbed"),
    Column("what", "by what, at worst", "Images", "left"),
    *number_columns("Samples", n_samples="timed", n_drifted="drifted"),
    *(Column(name.replace("_share", "_pct"), title, "Share of the CPU [%]") for name, title in SHARES.items()),
    *(Column(name, title, group) for name, (title, group) in RANGES.items()),
    *(Column("gpu_foreign_processes", "others", "GPU"), Column("gpu_reasons", "slowed by", "GPU", "left")),
    Column("gpu_clocks_locked", "clocks locked", "GPU"),
    *number_columns("Energy per image [J]", encode_j="encode", decode_j="decode"),
)
MACHINES = (
    *(*text_columns(run="Run", cpu="CPU"), *number_columns(cores="Cores", memory_gb="Memory [GB]")),
    *text_columns(governor="Governor", gpu="GPU", driver="Driver", torch="torch"),
    *(*number_columns(threads="Threads"), *text_columns(system="System", container="Container")),
    *text_columns(differs="Differs from the first in"),
)


def machines_table(runs: Sequence[Run]) -> Table:
    """A row per run: its machine, and what differs from the first run so that times cannot be compared."""
    caption = (
        "Times may be compared where nothing differs in what they hang on: processor and what steers its clocks, "
        "limits of the container, GPU, its clocks and driver, threads, protocol, whether each codec had a process of "
        "its own, torch and its switches, packages and the libraries behind Pillow, environment variables. All of it "
        "is under Runs."
    )
    runs = [run for run in runs if run.info.get("environment") and not is_elsewhere(run.info)]
    rows = [Row("measured", _machine_cells(run, runs[0])) for run in runs]
    return Table("machines", "Machines", caption, MACHINES, rows)


def conditions_table(runs: Sequence[Run]) -> Table:
    """A row per run, codec, device and data set: what the machine did meanwhile. Empty columns are left out."""
    caption = (
        "Lowest and highest reading around the samples. others: CPU time that other programs took; stolen: that other "
        "virtual machines took; waited: of the time in which the codec's threads were ready to run, what they waited "
        "for a CPU; each of the worst image. Images count once per quality; disturbed: those with over 5, 1 or 5 % of "
        "these, a hot processor, swapping, other processes on the GPU, or a GPU that was slowed down. Samples: timed "
        "pairs of encoding and decoding; drifted: those that are kept although the reference workload took more than "
        "3 % longer or shorter around them. Others on a GPU are unknown where its driver does not list our own "
        "processes, as in many containers. Energy: of the whole device, what it takes when idle included."
    )
    rows = [Row("measured", cells) for run in runs for cells in _rows_of_run(run)]
    columns = [column for column in CONDITIONS if any(row.cells[column.key].text != "-" for row in rows)]
    return Table("conditions", "Measuring conditions", caption, columns, rows)


def machine_differences(run: Run, other: Run) -> list[str]:
    """Names of what influences times and differs between two runs, as far as both store it.

    Parts of single codecs, their kernels and programs, are left out.
    """
    ours, theirs = _time_influences(run), _time_influences(other)
    return [name.replace("_", " ") for name in ours if name in theirs and ours[name] != theirs[name]]


def _time_influences(run: Run) -> dict[str, Any]:
    """What influences times, by name, as far as the run stores it."""
    fingerprint, config, environment = (run.info.get(name) or {} for name in ("fingerprint", "config", "environment"))
    influences = {name: value for name, value in fingerprint.items() if name not in ("kernels", "programs", *PARTED)}
    for part in PARTED:
        influences |= _with_prefix(part.removesuffix("_parts"), fingerprint.get(part) or {})
    for part, names in CLOCK_SETTINGS.items():
        settings = environment.get(part) or {}
        known = {name: settings[name] for name in names if name in settings}
        if not known.get("clocks_locked", True):
            del known["clocks_locked"]  # older runs store False for an idle GPU, whose clocks they could not see
        influences |= _with_prefix(part, known)
    return influences | {name: config[name] for name in ("threads", "protocol", "isolate") if name in config}


def _with_prefix(part: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{part} {name}": value for name, value in values.items()}


def _machine_cells(run: Run, first: Run) -> dict[str, Cell]:
    environment = run.info["environment"]
    parts = ("processor", "gpu", "container", "packages")
    processor, gpu, container, packages = (environment.get(part) or {} for part in parts)
    memory_bytes = environment.get("memory_bytes")
    values = {
        "cpu": machine_name(run.info, "cpu"),
        "cores": environment.get("cores_usable"),
        "memory_gb": "" if memory_bytes is None else f"{memory_bytes / 1e9:.1f}",
        "governor": processor.get("governor"),
        "gpu": gpu.get("name"),
        "driver": gpu.get("driver"),
        "torch": packages.get("torch"),
        "threads": environment.get("threads"),
        "system": environment.get("system"),
        "container": ", ".join(container.get("hints") or ()),
    }
    cells = {"run": text_cell(run.name)} | {name: text_cell(value or "-") for name, value in values.items()}
    return cells | {"differs": text_cell("-" if run is first else _differences_text(run, first))}


def _differences_text(run: Run, other: Run) -> str:
    if differences := machine_differences(run, other):
        return ", ".join(differences)
    store_the_same = _time_influences(run).keys() == _time_influences(other).keys()  # newer runs store more
    return "nothing" if store_the_same else "nothing that both tell"


def _rows_of_run(run: Run) -> Iterator[dict[str, Cell]]:
    watched = run.records.loc[list(map(bool, run.records.conditions))]
    for _, group in watched.groupby(["codec", "device", "dataset"], sort=False):
        first = group.iloc[0]
        yield _condition_cells(group) | {
            "method": text_cell(measured_label(first.codec, first["mode"])),
            "source": text_cell(f"{run.name} ({first.device})"),
            "dataset": text_cell(first.dataset),
        }


def _condition_cells(group: pd.DataFrame) -> dict[str, Cell]:
    conditions = group.conditions.tolist()
    disturbed = [condition for condition in conditions if list_disturbances(condition)]
    whole = worst_conditions(conditions)
    cells = {
        "n_records": number_cell(len(conditions), 0),
        "n_disturbed": number_cell(len(disturbed), 0),
        "n_samples": number_cell(sum(map(len, group.encode_s)) or None, 0),
        "n_drifted": number_cell(int(group.drifted.sum()), 0),
        "what": text_cell("; ".join(list_disturbances(worst_conditions(disturbed))) or "-"),
        "gpu_foreign_processes": _other_processes(whole),
        "gpu_reasons": text_cell(", ".join(whole.get("gpu_reasons", ())).replace("_", " ") or "-"),
        "gpu_clocks_locked": text_cell({True: "yes", False: "no"}.get(whole.get("gpu_clocks_locked", ""), "-")),
    }
    cells |= {name.replace("_share", "_pct"): number_cell(100 * whole.get(name, float("nan")), 1) for name in SHARES}
    cells |= {name: _range_cell(whole.get(name)) for name in RANGES}
    return cells | {f"{name}_j": number_cell(_mean_energy(group, name), 2) for name in ("encode", "decode")}


def _other_processes(whole: Mapping[str, Any]) -> Cell:
    """Other processes on the GPU; "unknown" if it was watched but its driver lists none."""
    watched = any(name.startswith("gpu_") for name in whole)
    count = whole.get("gpu_foreign_processes")
    return text_cell("unknown") if watched and count is None else number_cell(count, 0)


def _range_cell(values: Sequence[float] | None) -> Cell:
    if not values:
        return text_cell("-")
    shown = [f"{value:.{0 if value >= 100 else 1}f}" for value in values]
    return text_cell(shown[0] if shown[0] == shown[1] else " .. ".join(shown))


def _mean_energy(group: pd.DataFrame, operation: str) -> float | None:
    """Joules per image, the mean over the images with a value; None if there are none."""
    joules = [energy[operation] for energy in group.energy_j if operation in energy]
    return sum(joules) / len(joules) if joules else None
