"""The shape of run.json: what its parts may hold as far as anything reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lic_bench.store.json_types import Kind, kind_of, kinds, wrong
from lic_bench.store.run_config import RunConfig

PART = kind_of(dict[str, Any] | None)
TEXT = kind_of(str | None)
# Part -> names in it; "": of the whole file. All may be absent, and names that are not here are free.
PARTS: Mapping[str, Mapping[str, Kind]] = {
    "": {
        **dict.fromkeys(("config", "fingerprint", "environment"), PART),
        "images": kind_of(dict[str, str | None] | None),
    },
    "config": kinds(RunConfig),
    "fingerprint": {
        **dict.fromkeys(("processor", "limits", "gpu_parts", "packages", "coders", "programs"), PART),
        "cores_kept": kind_of(int | None),
    },
    "environment": {
        **dict.fromkeys(("time", "lic_bench", "git_commit"), TEXT),
        **dict.fromkeys(("processor", "gpu", "container", "packages"), PART),
    },
}


def shape_of(info: Mapping[str, Any]) -> str | None:
    """What of run.json is not as it must be, in words; None where all is."""
    return next(filter(None, _told(info)), None)


def _told(info: Mapping[str, Any]) -> Iterator[str | None]:
    for part, known in PARTS.items():
        values = (info.get(part) or {}) if part else info
        yield wrong(values, known, f"{part}." if part else "")
