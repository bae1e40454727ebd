"""What a reader must know of a run, in a few facts: machine, software, protocol, commit, date, data."""

from collections.abc import Mapping
from typing import Any

from lic_bench.report.labels import dataset_label, machine_name, plural
from lic_bench.store.run_folder import Run


def run_facts(run: Run) -> dict[str, str]:
    """Name -> value, without what run.json does not say."""
    environment, config = (run.info.get(part) or {} for part in ("environment", "config"))
    device = str(config.get("device") or "cpu")
    threads = config.get("threads") or environment.get("threads")
    facts = {
        "Measured": str(environment.get("time") or "")[:10],
        "Machine": machine_name(run.info, device),
        "Threads": str(threads or ""),
        "System": str(environment.get("system") or "").partition(",")[0],
        "torch": str((environment.get("packages") or {}).get("torch") or ""),
        "lic-bench": ", commit ".join(filter(None, map(environment.get, ("lic_bench", "git_commit")))),
        "Protocol": str(config.get("protocol") or ""),
        "Measured parts": ", ".join(config.get("measure") or ()),
        "Images": _images(config),
        "Repeats": str(config.get("repeats") or "") if "latency" in (config.get("measure") or ()) else "",
    }
    return {name: value for name, value in facts.items() if value}


def _images(config: Mapping[str, Any]) -> str:
    counts = config.get("images") or {}
    sets = [
        f"{dataset_label(name)} ({plural(counts[name], 'image')})" if name in counts else dataset_label(name)
        for name in config.get("datasets") or ()
    ]
    return ", ".join(sets) + (f", central {config['crop']} x {config['crop']} pixels" if config.get("crop") else "")
