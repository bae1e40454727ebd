"""The widths of MLIC++: those the authors released, and small ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """hidden: channels of g_a, g_s and z. y has `slices` slices of `slice_width` channels.

    old: the first released layout, whose latent residual predictions are wider and whose g_s narrows one block
    earlier. The context networks' widths are multiples of slice_width.
    """

    hidden: int = 192
    slice_width: int = 32
    slices: int = 10
    old: bool = False

    @property
    def latent(self) -> int:
        """Channels of y."""
        return self.slice_width * self.slices
