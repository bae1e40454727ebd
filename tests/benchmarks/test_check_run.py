"""What a run must have: each thing that is taken away is named."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lic_bench.store.records import Complexity, Record

MEASURED = ["quality", "latency", "phases", "memory", "complexity"]
CODED: dict[str, Any] = {"quality": 1, "dataset": "sample", "image": "a.png", "width": 8, "height": 8, "status": "ok"}
NETWORK = Record(
    codec="net",
    **CODED,
    weights="random",
    device="cuda:0",
    decode_max_abs=1,
    encode_s=[0.3, 0.3],
    decode_s=[0.3, 0.3],
    phases_s={
        **{"encode/g_a": [0.1, 0.2], "encode/other": [0.2, 0.1], "encode/total": [0.1 + 0.2, 0.3]},
        **{"decode/g_s": [0.1, 0.2], "decode/total": [0.1, 0.2]},
    },
    peak_memory_bytes={"encode_allocated": 5, "decode_allocated": 5, "weights": 1},
    conditions={"gpu_sm_mhz": [1980, 1980], "gpu_temperature_c": [40, 41], "gpu_power_w": [100, 200]},
)
PROGRAM = Record(
    codec="jpeg",
    **CODED,
    decode_max_abs=0,
    encode_s=[0.1],
    decode_s=[0.1],
)
COUNTED = Complexity(codec="net", quality=1, width=8, height=8, counter="exact", path="forward", macs=5, parameters=1)


@pytest.fixture(scope="module")
def check(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("check_run")


def stored(folder: Path, *rows: Record | Complexity) -> Path:
    (folder / "run.json").write_text(json.dumps({"config": {"measure": MEASURED}}))
    for name, kind in (("records", Record), ("complexity", Complexity)):
        lines = [json.dumps(asdict(row)) + "\n" for row in rows if isinstance(row, kind)]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return folder


def test_a_whole_run(check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stored(tmp_path, NETWORK, PROGRAM, COUNTED)
    assert check.main([str(folder), "--device", "cuda"]) == 0
    assert capsys.readouterr().out == f"{tmp_path.name}: 2 records, nothing is missing\n"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "failed", "error": "decoder out of sync"}, "decoder out of sync"),
        ({"decode_max_abs": None}, "its decode was not verified"),
        ({"device": "cpu"}, "was on cpu"),
        ({"decode_s": []}, "no times"),
        ({"conditions": {}}, "no gpu_sm_mhz in its conditions"),
        ({"peak_memory_bytes": {"encode_allocated": 5}}, "no memory decode_allocated"),
        ({"phases_s": {}}, "no phases of decode"),
        (
            {"phases_s": {**NETWORK.phases_s, "decode/g_s": [0.1, 0.21]}},
            "phases of decode do not add up to their total",
        ),
        (
            {"phases_s": {**NETWORK.phases_s, "decode/copies": [0.0]}},
            "phases of decode that were not in every sample: decode/copies",
        ),
    ],
)
def test_each_lack_is_named(
    check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], named: str
) -> None:
    folder = stored(tmp_path, replace(NETWORK, **change), PROGRAM, COUNTED)
    assert check.main([str(folder), "--device", "cuda"]) == 1
    assert f"net 1 a.png: {named}" in capsys.readouterr().out.splitlines()


def test_operations_that_are_not_there(check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(stored(tmp_path, NETWORK))]) == 1
    assert capsys.readouterr().out == "net: no operations counted\n"
    assert check.main([str(stored(tmp_path, NETWORK, replace(COUNTED, status="failed", error="oh no")))]) == 1
    assert capsys.readouterr().out == "net: exact forward: oh no\n"


def test_a_run_without_records(check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(stored(tmp_path))]) == 1
    assert capsys.readouterr().out == "no records\n"
