"""The codec that a variant is one of: what it decodes is held against what the variant does."""

import gc

import torch
from torch import Tensor

from lic_bench.codec import Codec
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.variants import without_variants
from lic_bench.measurement.distortion import max_abs_difference, to_8bit
from lic_bench.run.worker_interface import CodecSetup
from lic_bench.store.records import COSTS


class BaseCodec:
    """A variant's base with the same weights, loaded when it is asked for; one quality in memory at a time."""

    def __init__(self, setup: CodecSetup) -> None:
        self.setup = setup
        self._loaded: dict[int, Codec] = {}

    def largest_difference(self, quality: int, x: Tensor, decoded: Tensor) -> int | None:
        """Between `decoded` and what the base makes of the image by its own bytes, in levels; None where that fails.

        x: [1, 3, H, W] in [0, 1]; decoded: uint8. Where times or memory are measured the base does not stay.
        """
        try:
            codec = self._codec(quality)
            with torch.no_grad():
                return max_abs_difference(to_8bit(codec.decompress(codec.compress(x))), decoded)
        except (Exception, SystemExit):  # the base has a row of its own, which says what happened
            return None
        finally:
            if self.setup.parts & COSTS:
                self.let_go()

    def let_go(self) -> None:
        """Free its memory."""
        if self._loaded:
            self._loaded.clear()
            gc.collect()

    def _codec(self, quality: int) -> Codec:
        if quality not in self._loaded:
            self.let_go()
            base, file = without_variants(self.setup.spec), self.setup.files.get(quality)
            self._loaded[quality] = load_codec(base, quality, file, torch.device(self.setup.device)).codec
        return self._loaded[quality]
