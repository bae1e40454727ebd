"""A machine's name in the history: processor, cores, and a hash of all that must not change."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from lic_bench.compare.comparable import MACHINE, SOFTWARE

NOISE = re.compile(r"\((?:r|tm)\)|@.*|\b(?:cpu|processor|with|graphics)\b", re.IGNORECASE)
HASHED = 8  # digits


def machine_name(fingerprint: Mapping[str, Any]) -> str:
    """ "intel-xeon-2-cores-1a2b3c4d": GPU or processor, cores, and a hash of the parts that `compare` calls machine.

    Two machines of one kind share it. Unknown parts are left out of the hash, so that a version of lic-bench that asks
    for more parts does not rename machines that do not know them.
    """
    model = str(fingerprint.get("gpu") or fingerprint.get("cpu") or "unknown")
    words = re.findall(r"[a-z0-9]+", NOISE.sub(" ", model).lower())
    cores = fingerprint.get("cores_usable")
    fixed = short_hash({key: fingerprint.get(key) for key in MACHINE})
    return "-".join([*words, *([str(cores), "cores"] if cores else []), fixed])


def software_hash(fingerprint: Mapping[str, Any], codec: str) -> str:
    """A hash of torch, libraries and settings, and of this codec's program if it has one."""
    parts = {key: fingerprint.get(key) for key in SOFTWARE}
    return short_hash({**parts, "programs": (fingerprint.get("programs") or {}).get(codec)})


def short_hash(value: Any) -> str:
    """The first digits of the SHA-256 of JSON values, without those that are None."""
    text = json.dumps(_without_none(value), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASHED]


def _without_none(value: Any) -> Any:
    """The value without None, and without mappings and lists that hold nothing else."""
    if isinstance(value, Mapping):
        items = {key: _without_none(inner) for key, inner in value.items()}
        return {key: inner for key, inner in items.items() if inner not in (None, {}, [])}
    return [_without_none(inner) for inner in value] if isinstance(value, (list, tuple)) else value
