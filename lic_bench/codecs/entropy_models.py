"""Which rANS coder a network's entropy models code with: ours or CompressAI's, which give the same strings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from types import ModuleType, new_class
from typing import Any, cast

import torch
from compressai.entropy_models import EntropyModel, GaussianConditional
from torch import Tensor, nn

from lic_bench.codecs import compressai_rans, rans
from lic_bench.phase_marks import ENTROPY_CODER, mark
from lic_bench.spec import CodecSpec, Coder


def use_coder(network: nn.Module, coder: Coder) -> None:
    """Let all of CompressAI's entropy models in a network, and classes derived from them, code with `coder`.

    "native" is CompressAI's where our library was not built. What a network codes without these models stays as it is.
    """
    native = coder == "native" and not rans.KERNELS.missing()
    for module in network.modules():
        if isinstance(module, EntropyModel):
            plain = _plain(type(module))
            module.__class__ = _native(plain) if native else plain


def missing_coder(specs: Iterable[CodecSpec]) -> list[str]:
    """What to tell the user where our coder was not built, and learned codecs would have it."""
    why = rans.KERNELS.missing()
    wanted = any(spec.kind == "learned" and spec.coder == "native" for spec in specs)
    return (
        [f"CompressAI's entropy coder in place of the native one, the same bytes but slower: {why}"]
        if why and wanted
        else []
    )


def coder_of(model: nn.Module) -> ModuleType:
    """The module whose Tables, Encoder and Decoder an entropy model codes with."""
    return rans if isinstance(model, NativelyCoded) else compressai_rans


class NativelyCoded(EntropyModel):  # type: ignore[misc]  # it has no types
    """Stands between a class of entropy models and EntropyModel, whose coding it replaces."""

    _tables: tuple[Tensor, int, rans.Tables] | None = None

    def tables(self) -> rans.Tables:
        """Made when first needed, and anew when they have changed. Raises ValueError before `update`."""
        self._check_cdf_size()
        source = self.quantized_cdf
        if self._tables is None or self._tables[0] is not source or self._tables[1] != version_of(source):
            tables = rans.Tables(source, self.cdf_length.flatten(), self.offset.flatten())
            self._tables = source, version_of(source), tables
        return self._tables[2]

    def compress(self, inputs: Tensor, indexes: Tensor, means: Tensor | None = None) -> list[bytes]:
        """One string per image. inputs, indexes: [B, ...] of one shape."""
        with mark(ENTROPY_CODER):
            symbols, tables = self.quantize(inputs, "symbols", means), self.tables()
            if symbols.device.type != "cpu":
                symbols, indexes = torch.stack((symbols, indexes.to(symbols))).cpu()
            return [_written(*image, tables) for image in zip(symbols, indexes, strict=True)]

    def decompress(
        self,
        strings: Sequence[bytes],
        indexes: Tensor,
        dtype: torch.dtype = torch.float32,
        means: Tensor | None = None,
    ) -> Tensor:
        """What `compress` was given, rounded; [B, ...] as the indexes, on the device of the tables."""
        with mark(ENTROPY_CODER):
            tables, indexes = self.tables(), indexes.cpu()
            images = [rans.Decoder(string).get(i, tables) for string, i in zip(strings, indexes, strict=True)]
            symbols = torch.stack(images).to(self.quantized_cdf)
        return cast(Tensor, self.dequantize(symbols, means, dtype))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_tables"}

    def __reduce_ex__(self, _protocol: object) -> tuple[Any, ...]:
        """Copies and pickles: the class is made in each process."""
        return _restored, (_plain(type(self)), self.__getstate__())


def version_of(values: Tensor) -> int:
    """Grows when the tensor's values are changed in place."""
    return 0 if values.is_inference() else values._version


def _written(symbols: Tensor, indexes: Tensor, tables: rans.Tables) -> bytes:
    encoder = rans.Encoder()
    encoder.put(symbols, indexes, tables)
    return encoder.flush()


def _plain(cls: type) -> type:
    return cls.__bases__[0] if NativelyCoded in cls.__bases__ else cls


@cache
def _native(cls: type) -> type:
    """A class whose super().compress, called in `cls`, is ours; one with a coder of its own keeps that."""
    made: Any = new_class(cls.__name__, (cls, NativelyCoded))
    if getattr(cls, "build_indexes", None) is GaussianConditional.build_indexes:
        made.build_indexes = _build_indexes
    return cast(type, made)


def _build_indexes(self: GaussianConditional, scales: Tensor) -> Tensor:
    """As CompressAI's, in one pass where that makes one for every scale."""
    bounded: Tensor = self.lower_bound_scale(scales)
    return torch.bucketize(bounded.contiguous(), self.scale_table[:-1].to(bounded), out_int32=True)


def _restored(cls: type, state: dict[str, Any]) -> nn.Module:
    model: Any = object.__new__(cls)
    model.__setstate__(state)
    model.__class__ = _native(cls)
    return cast(nn.Module, model)
