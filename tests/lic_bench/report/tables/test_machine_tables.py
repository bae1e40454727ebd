import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lic_bench.report.tables.machine_tables import conditions_table, machine_differences, machines_table
from lic_bench.report.tables.table import Table
from lic_bench.report.write_report import write_report
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]
QUIET = {"seconds": 5.0, "readings": 9, "cpu_others_share": 0.01, "load_1m": [0.5, 1.0], "cpu_mhz": [2800.0, 3400.0]}
BUSY = QUIET | {"cpu_others_share": 0.4, "load_1m": [4.0, 8.0]}


def written_over(run: Run, **info: Any) -> Run:
    """The run with other parts of run.json."""
    path = run.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | info))
    return Run(run.folder)


def texts(table: Table, row: int = 0) -> dict[str, str]:
    return {column.key: table.cell(table.rows[row], column).text for column in table.columns}


@pytest.fixture
def busy(make_run: MakeRun, tmp_path: Path) -> Run:
    """JPEG on a quiet machine, but for its first image."""
    run = make_run(tmp_path / "r", {"jpeg": 1.0}, images=2, made={"conditions": QUIET, "energy_j": {"encode": 2.0}})
    records = run.records.conditions.tolist()
    records[0] = BUSY
    run.records = run.records.assign(conditions=records, drifted=[1] + [0] * (len(records) - 1))
    return run


def test_a_disturbed_image_is_counted_and_said(busy: Run) -> None:
    cells = texts(conditions_table([busy]))
    assert (cells["method"], cells["n_records"], cells["n_disturbed"]) == ("JPEG", "8", "1")
    assert (cells["n_samples"], cells["n_drifted"]) == ("40", "1")
    assert cells["what"] == "other programs took 40% of the CPU"
    assert cells["cpu_others_pct"] == "40.0"
    assert cells["load_1m"] == "0.5 .. 8.0"
    assert cells["cpu_mhz"] == "2800 .. 3400"
    assert cells["encode_j"] == "2.00"
    assert not {"decode_j", "gpu_reasons", "gpu_clocks_locked", "gpu_sm_mhz"} & cells.keys(), "nobody tells them"


def test_a_gpu_that_was_slowed_down_is_said(make_run: MakeRun, tmp_path: Path) -> None:
    found = QUIET | {"gpu_sm_mhz": [1200.0, 1980.0], "gpu_reasons": ["hw_thermal_slowdown"], "gpu_clocks_locked": False}
    found |= {"gpu_foreign_processes": 2, "gpu_temperature_c": [60.0, 91.0]}
    cells = texts(conditions_table([make_run(tmp_path / "r", {"jpeg": 1.0}, images=1, made={"conditions": found})]))
    assert cells["n_disturbed"] == cells["n_records"] == "4"
    for words in ("2 other processes on the GPU", "slowed down: hw thermal slowdown", "not locked: 1200 to 1980 MHz"):
        assert words in cells["what"]
    assert (cells["gpu_foreign_processes"], cells["gpu_clocks_locked"]) == ("2", "no")
    assert cells["gpu_temperature_c"] == "60.0 .. 91.0"


def test_whether_others_were_on_a_gpu_may_be_unknown(make_run: MakeRun, tmp_path: Path) -> None:
    found = QUIET | {"gpu_sm_mhz": [1980.0, 1980.0], "gpu_reasons": []}
    cells = texts(conditions_table([make_run(tmp_path / "r", {"jpeg": 1.0}, images=1, made={"conditions": found})]))
    assert cells["gpu_foreign_processes"] == "unknown"


def test_runs_that_nobody_watched_have_no_row(make_run: MakeRun, tmp_path: Path) -> None:
    assert conditions_table([make_run(tmp_path / "r", {"jpeg": 1.0}, images=1)]).rows == []
    assert conditions_table([]).rows == machines_table([]).rows == []


def test_two_machines_side_by_side(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, {"jpeg": 1.0}, images=1) for name in "abc"]
    environment = {"cpu": "CPU 9", "cores_usable": 64, "memory_bytes": 2.5e11, "processor": {"governor": "performance"}}
    environment |= {
        "gpu": {"name": "GPU 9", "driver": "1.2"},
        "container": {"hints": ["docker"]},
        "packages": {"torch": "3"},
    }
    runs[1] = written_over(runs[1], environment=environment, fingerprint={"cpu": "CPU 9", "torch_build": "x"})
    table = machines_table(runs)
    assert texts(table)["differs"] == "-"
    cells = texts(table, 1)
    assert cells == cells | {"cpu": "CPU 9", "cores": "64", "memory_gb": "250.0", "governor": "performance"}
    assert cells == cells | {"gpu": "GPU 9", "driver": "1.2", "container": "docker", "torch": "3", "differs": "cpu"}
    assert texts(table, 2)["differs"] == "nothing"
    assert machine_differences(runs[0], runs[1]) == ["cpu"]
    runs[2] = written_over(runs[2], fingerprint={"cpu": "Example CPU", "torch_build": "x"})
    assert texts(machines_table(runs), 2)["differs"] == "nothing that both tell"


ENVIRONMENT = {
    "cpu": "CPU 9",
    "processor": {"governor": "performance", "preference": "performance", "min_mhz": 800.0},
    "gpu": {"name": "GPU 9", "clocks_locked": True, "clocks_applied_mhz": [1410, 1593]},
}
CONFIG = {"codecs": ["jpeg"], "threads": 4, "protocol": "lic-bench-3", "isolate": True}
FINGERPRINT = {
    "cpu": "CPU 9",
    "processor": {"governor": "performance"},
    "coders": {"JPEG": "libjpeg-turbo 3.1.0"},
    "variables": {},
    "programs": {"vtm": ["9.1"]},
}
STATE = {"config": CONFIG, "environment": ENVIRONMENT, "fingerprint": FINGERPRINT}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("config", "threads"), 2, "threads"),
        (("config", "protocol"), "lic-bench-2", "protocol"),
        (("config", "isolate"), False, "isolate"),
        (("config", "codecs"), ["webp"], "nothing"),
        (("environment", "processor", "preference"), "power", "processor preference"),
        (("environment", "processor", "min_mhz"), 3000.0, "processor min mhz"),
        (("environment", "gpu", "clocks_locked"), None, "nothing that both tell"),
        (("environment", "gpu", "clocks_locked"), False, "nothing that both tell"),
        (("environment", "gpu", "clocks_applied_mhz"), [1980, 2619], "gpu clocks applied mhz"),
        (("fingerprint", "processor", "governor"), "powersave", "processor governor"),
        (("fingerprint", "coders", "JPEG"), "libjpeg-turbo 3.2.0", "coders JPEG"),
        (("fingerprint", "variables", "OMP_PROC_BIND"), "true", "variables"),
        (("fingerprint", "programs", "vtm"), ["18.0"], "nothing"),
    ],
)
def test_whatever_times_hang_on_is_compared(
    make_run: MakeRun, tmp_path: Path, path: tuple[str, ...], value: object, said: str
) -> None:
    runs = [make_run(tmp_path / name, {"jpeg": 1.0}, images=1) for name in "ab"]
    changed = json.loads(json.dumps(STATE))
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    table = machines_table([written_over(runs[0], **STATE), written_over(runs[1], **changed)])
    assert texts(table, 1)["differs"] == said


def test_what_only_one_run_tells_is_not_a_difference_but_is_said(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, {"jpeg": 1.0}, images=1) for name in "ab"]
    less = STATE | {"config": {"codecs": ["jpeg"], "threads": 4}}
    table = machines_table([written_over(runs[0], **STATE), written_over(runs[1], **less)])
    assert texts(table, 1)["differs"] == "nothing that both tell"


def test_a_run_of_before_is_shown_as_far_as_it_tells(make_run: MakeRun, tmp_path: Path) -> None:
    table = machines_table([make_run(tmp_path / "r", {"jpeg": 1.0}, images=1, device="cuda:0")])
    assert texts(table)["cpu"] == "Example CPU"
    assert texts(table)["gpu"] == "Example GPU"
    assert texts(table)["governor"] == "-"


def test_both_tables_are_on_the_page(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "r", {"jpeg": 1.0}, images=1, dataset="sample", made={"conditions": BUSY})
    written = write_report([tmp_path / "r"], tmp_path / "out", published="none")
    page = written.index.read_text()
    assert {"machines", "conditions"} <= set(written.tables)
    assert "other programs took 40% of the CPU" in page
