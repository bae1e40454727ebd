"""Bitstreams of a run that were decoded again, elsewhere or otherwise: what became of them, by codec and decoder."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import pandas as pd

from lic_bench.errors import UserError
from lic_bench.report.labels import codec_label
from lic_bench.store.run_folder import Run
from lic_bench.store.saved_files import DECODE_CHECKS

OUTCOMES = ("exact", "near", "other", "failed")  # of lic_bench.run.decode_check.Decode
CHECKS = ["run", "codec", "label", "encoder", "decoder", "n_bitstreams", *OUTCOMES, "largest", "first_pass", "error"]


def decode_checks_frame(run: Run) -> pd.DataFrame:
    """One row per codec and decoder, columns CHECKS. first_pass: (which, of how many), or None.

    Raises UserError for a file that lic_bench.run.decode_check has not written.
    """
    environment = run.info.get("environment") or {}
    gpu = (environment.get("gpu") or {}).get("name")
    encoder = machine_text(
        {
            "processor": gpu or environment.get("cpu"),
            "instructions": None if gpu else environment.get("cpu_capability"),
            "threads": (run.info.get("config") or {}).get("threads"),
            "torch": (environment.get("packages") or {}).get("torch"),
        }
    )
    rows = [{"run": run.name, "encoder": encoder, **row} for row in _rows(run)]
    return pd.DataFrame(rows, columns=CHECKS)


def machine_text(facts: Mapping[str, Any]) -> str:
    """What decodes, as "AMD EPYC, AVX2, 1 thread, torch 2.8.0"."""
    threads = facts.get("threads")
    named = (
        facts.get("processor"),
        facts.get("instructions"),
        f"{threads} thread{'s' * (threads != 1)}" if threads else None,
        f"torch {facts['torch']}" if facts.get("torch") else None,
    )
    return ", ".join(filter(None, named)) or "unknown"


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    for file in sorted((run.folder / DECODE_CHECKS).glob("*.json")):
        try:
            stored = json.loads(file.read_bytes())
            decoder = machine_text(stored["decoder"])
            ordered = sorted(stored["decodes"], key=lambda decode: str(decode["codec"]))
            for codec, group in groupby(ordered, key=lambda decode: str(decode["codec"])):
                yield {"codec": codec, "label": codec_label(codec), "decoder": decoder, **_counts(list(group))}
        except (KeyError, TypeError, ValueError):
            raise UserError(f"{file} is not as `lic-bench decode-check` writes it; remove it.") from None


def _counts(decodes: list[Mapping[str, Any]]) -> dict[str, Any]:
    count = Counter(decode["outcome"] for decode in decodes)
    largest = [decode["largest"] for decode in decodes if decode["largest"] is not None]
    passes = [(decode["first_pass"], decode["passes"]) for decode in decodes if decode["first_pass"] is not None]
    return {
        "n_bitstreams": len(decodes),
        **{outcome: count[outcome] for outcome in OUTCOMES},
        "largest": max(largest, default=None),
        "first_pass": min(passes, default=None),
        "error": next((decode["error"] for decode in decodes if decode["error"]), ""),
    }
