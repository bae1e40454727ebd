"""A machine's name in the history: what it is called for people, and a hash of what must not change."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from lic_bench.compare.comparable import MACHINE, SOFTWARE

NOISE = re.compile(r"\((?:r|tm)\)|@.*|\b(?:cpu|processor|with|graphics)\b", re.IGNORECASE)
HASHED = 8  # digits


def name_of(fingerprint: Mapping[str, Any]) -> str:
    """ "intel-xeon-2-cores-1a2b3c4d": GPU or processor, cores, and a hash of the parts that `compare` calls machine.

    Two machines of one kind share it. What a machine does not tell counts for nothing: a version of lic-bench that asks
    for more gives machines that have no answer no new name.
    """
    model = str(fingerprint.get("gpu") or fingerprint.get("cpu") or "unknown")
    words = re.findall(r"[a-z0-9]+", NOISE.sub(" ", model).lower())
    cores = fingerprint.get("cores_usable")
    parts = [*words, *([str(cores), "cores"] if cores else []), hashed({key: fingerprint.get(key) for key in MACHINE})]
    return "-".join(parts)


def software_of(fingerprint: Mapping[str, Any], codec: str) -> str:
    """A hash of torch, libraries and settings, and of this codec's program if it has one."""
    parts = {key: fingerprint.get(key) for key in SOFTWARE}
    return hashed({**parts, "programs": (fingerprint.get("programs") or {}).get(codec)})


def hashed(value: Any) -> str:
    """The first digits of the SHA-256 of JSON values, without those that are None."""
    text = json.dumps(_told(value), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASHED]


def _told(value: Any) -> Any:
    """Without what is None, and without what holds nothing else."""
    if isinstance(value, Mapping):
        told = {key: _told(inner) for key, inner in value.items()}
        return {key: inner for key, inner in told.items() if inner not in (None, {}, [])}
    return [_told(inner) for inner in value] if isinstance(value, (list, tuple)) else value
