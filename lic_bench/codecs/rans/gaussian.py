"""Which tables Gaussians take, and the symbols of a latent under them: on the CPU in one compiled pass."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from lic_bench.codecs.rans.library import KERNELS, Handle, library, pointer


class GaussianIndexer:
    """Finds the index of the smallest scale of a ladder that is at least as large as a Gaussian's, else the last."""

    def __init__(self, ladder: Tensor) -> None:
        """ladder: [n], rising, more than 0."""
        self._bounds = ladder[:-1].detach().float().cpu().contiguous()
        self._copies: dict[tuple[torch.dtype, torch.device], Tensor] = {}
        self._handle: Handle | None = None  # without a compiled library torch does it all
        if not KERNELS.missing():
            place = library().gaussian_buckets_new(pointer(self._bounds), ctypes.c_int64(len(self._bounds)))
            self._handle = Handle(place, library().gaussian_buckets_delete)

    def indexes(self, scales: Tensor) -> Tensor:
        """int32, of the shape and on the device of the scales."""
        handle = self._handle_for(scales)
        if handle is None:
            return torch.bucketize(scales.contiguous(), self._bounds_for(scales), out_int32=True)
        scales = scales.contiguous()
        indexes = torch.empty_like(scales, dtype=torch.int32)
        library().gaussian_indexes(handle.pointer, pointer(scales), ctypes.c_int64(scales.numel()), pointer(indexes))
        return indexes

    def symbols(self, y: Tensor, scales: Tensor, means: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(round(y - means) and the indexes, int32; y_hat = round(y - means) + means), all of the shape of y."""
        handle = self._handle_for(y, scales, means)
        if handle is None:
            rounded = torch.round(y - means)
            return rounded.int(), self.indexes(scales), (rounded + means).contiguous()
        y, scales, means = (part.contiguous() for part in (y, scales, means))
        symbols = torch.empty_like(y, dtype=torch.int32)
        indexes, y_hat = torch.empty_like(symbols), torch.empty_like(y)
        arrays = map(pointer, (y, scales, means))
        results = map(pointer, (symbols, indexes, y_hat))
        library().gaussian_symbols(handle.pointer, *arrays, ctypes.c_int64(y.numel()), *results)
        return symbols, indexes, y_hat

    def _bounds_for(self, scales: Tensor) -> Tensor:
        """In their type and on their device, copied once: a copy would make a GPU wait."""
        key = scales.dtype, scales.device
        if key not in self._copies:
            self._copies[key] = self._bounds.to(scales)
        return self._copies[key]

    def _handle_for(self, *parts: Tensor) -> Handle | None:
        """For the compiled pass, which takes tensors of one shape, float32, on the CPU; None for others."""
        alike = all(p.dtype == torch.float32 and p.device.type == "cpu" and p.shape == parts[0].shape for p in parts)
        return self._handle if alike else None
