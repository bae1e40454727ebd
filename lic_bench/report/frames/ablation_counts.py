"""What benchmarks/ablations.py counted of the paper's ablations: counts of our networks, the same on every machine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from lic_bench.rate_distortion.shipped_data import shipped_files


@dataclass(frozen=True, slots=True)
class AblationCount:
    """One network. The first two as thop counts ours, the next two as the authors counted theirs.

    attention_and_shift_operations: of the blocks of g_a, g_s, h_a and h_s in a 768 x 512 image.
    """

    macs: int
    parameters: int
    their_way_macs: int
    their_way_parameters: int
    attention_and_shift_operations: int


@cache
def ablation_counts() -> Mapping[str, AblationCount]:
    """Row of Table 2 or 3, as lalic.ablations names it -> its counts; {} if they did not come along."""
    return {
        name: AblationCount(
            row["ours"]["macs"],
            row["ours"]["parameters"],
            row["their_way"]["macs"],
            row["their_way"]["parameters"],
            row["attention_and_shift_operations"],
        )
        for name, row in _content().get("rows", {}).items()
    }


@cache
def attention_operations() -> Mapping[str, int]:
    """Row of Table 5 -> the operations per token and channel that its formula gives."""
    return dict(_content().get("operations_per_token_and_channel", {}))


def _content() -> dict[str, Any]:
    files = shipped_files("measured/ablations.json")
    content: dict[str, Any] = json.loads(files[0].read_text(encoding="utf-8")) if files else {}
    return content
