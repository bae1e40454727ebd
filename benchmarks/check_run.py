"""Whether a run of lic-bench is complete: a line for each thing that is missing.

    python benchmarks/check_run.py results/gpu/<gpu>/run --device cuda

Every record ok and its decode verified; on a GPU its conditions and allocated memory; phases that add up to their
total; operations of every network. Exit code 1 where anything is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Iterator
from math import isclose
from pathlib import Path

from lic_bench.phase_marks import TOTAL
from lic_bench.store.record_log import read_rows
from lic_bench.store.records import Complexity, Record

CONDITIONS = ("gpu_sm_mhz", "gpu_temperature_c", "gpu_power_w")
OPERATIONS = ("encode", "decode")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--device", default="cuda", help="where the networks must have been")
    options = parser.parse_args(arguments)
    records = read_rows(options.run / "records.jsonl", Record)
    complexity = read_rows(options.run / "complexity.jsonl", Complexity)
    measured = json.loads((options.run / "run.json").read_text())["config"]["measure"]
    missing = [*lacking(records, measured, options.device), *uncounted(records, complexity, measured)]
    print("\n".join(missing) or f"{options.run.name}: {len(records)} records, nothing is missing")
    return 1 if missing else 0


def lacking(records: Collection[Record], measured: Collection[str], device: str) -> Iterator[str]:
    """A line for each thing that is wrong with the records."""
    if not records:
        yield "no records"
    for record in records:
        name = f"{record.codec} {record.quality} {record.image}"
        if record.status != "ok":
            yield f"{name}: {record.error}"
            continue
        yield from (f"{name}: {what}" for what in _lacks(record, measured, device))


def _lacks(record: Record, measured: Collection[str], device: str) -> Iterator[str]:
    network = record.weights is not None
    if record.decode_max_abs is None:
        yield "its decode was not verified"
    if network and not record.device.startswith(device):
        yield f"was on {record.device}"
    if "latency" in measured and not (record.encode_s and record.decode_s):
        yield "no times"
    if "phases" in measured and network:
        yield from phases_wrong(record.phases_s)
    if record.device.startswith("cuda"):
        yield from _lacks_on_gpu(record, measured)


def _lacks_on_gpu(record: Record, measured: Collection[str]) -> Iterator[str]:
    if "latency" in measured:
        yield from (f"no {name} in its conditions" for name in CONDITIONS if not record.conditions.get(name))
    if "memory" in measured:
        kinds = [f"{operation}_allocated" for operation in OPERATIONS]
        yield from (f"no memory {kind}" for kind in kinds if not record.peak_memory_bytes.get(kind))


def phases_wrong(phases_s: dict[str, list[float]]) -> Iterator[str]:
    """A line for each operation whose phases do not add up to its total, sample by sample."""
    for operation in OPERATIONS:
        parts = {name: samples for name, samples in phases_s.items() if name.startswith(f"{operation}/")}
        totals = parts.pop(f"{operation}/{TOTAL}", [])
        if not totals or not parts:
            yield f"no phases of {operation}"
            continue
        seen = {name: samples for name, samples in parts.items() if len(samples) == len(totals)}
        if len(seen) < len(parts):
            yield f"phases of {operation} that were not in every sample: {', '.join(sorted(set(parts) - set(seen)))}"
        elif not all(isclose(sum(each), total) for *each, total in zip(*seen.values(), totals, strict=True)):
            yield f"phases of {operation} do not add up to their total"


def uncounted(
    records: Collection[Record], complexity: Collection[Complexity], measured: Collection[str]
) -> Iterator[str]:
    """A line for each network without operations, and for each counter that failed."""
    yield from (f"{c.codec}: {c.counter} {c.path}: {c.error}" for c in complexity if c.status != "ok")
    if "complexity" in measured:
        missing = {record.codec for record in records if record.weights is not None} - {c.codec for c in complexity}
        yield from (f"{codec}: no operations counted" for codec in sorted(missing))


if __name__ == "__main__":
    sys.exit(main())
