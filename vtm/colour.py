"""The ways between 8-bit RGB and the three planes that VTM codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

DEFAULT = "ycbcr10"


@dataclass(frozen=True, slots=True)
class Mode:
    """One colour path. bits: of a sample in the files that the encoder reads and the decoder writes."""

    name: str
    planes: Literal["ycbcr", "gbr"]
    bits: Literal[8, 10]
    truncate: bool = False


MODES: Mapping[str, Mode] = MappingProxyType(
    {
        mode.name: mode
        for mode in (
            Mode("ycbcr8", "ycbcr", 8),
            Mode("ycbcr10", "ycbcr", 10),
            Mode("rgb", "gbr", 8),
            Mode("ycbcr8-truncated", "ycbcr", 8, truncate=True),
        )
    }
)
