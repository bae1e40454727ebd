"""What the compiled CPU kernels of all packages share: one loader, and the headers in include/. Needs torch only."""

from __future__ import annotations

from native.loader import INSTRUCTION_SETS, SUFFIXES, Kernels

__all__ = ["INSTRUCTION_SETS", "SUFFIXES", "Kernels"]
