"""One codec at work on one device: it codes an image, which is then encoded and decoded again to take the times."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from random import Random
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from lic_bench.codec import Bitstream, DecodeOnlyCodec
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.network_variants import forget_compiled
from lic_bench.codecs.pass_digests import watch_passes
from lic_bench.codecs.pixels import to_tensor
from lic_bench.codecs.process_settings import kept_settings
from lic_bench.codecs.program_codec import ProgramCodec
from lic_bench.images.image_file import Image, read_image
from lic_bench.measurement.batched_coding import Alone
from lic_bench.measurement.complexity import count_complexity, count_decoding
from lic_bench.measurement.failures import CodecFailure, Failure, memory_errors_unified
from lic_bench.measurement.stopwatch import undisturbed
from lic_bench.measurement.symbol_check import checked_symbols, entropy_coder_field
from lic_bench.measurement.verified_coding import Pair
from lic_bench.run.base_codec import BaseCodec
from lic_bench.run.local_batches import LocalBatches
from lic_bench.run.local_image import LocalImage, picture_digest
from lic_bench.run.worker_interface import CodecSetup
from lic_bench.store.records import COSTS, Complexity


class CodecWorker:
    """A codec at work in this process; one quality in memory at a time."""

    def __init__(self, setup: CodecSetup) -> None:
        self.setup = setup
        self.spec = setup.spec
        self.device = torch.device(setup.device)
        self.settled_s: dict[tuple[int, ...], float] = {}  # image size -> seconds of encoding and decoding, once warm
        self.random = Random(setup.layout_seed or None)
        self.heap: list[bytes] = []  # blocks between which the codec's memory lies
        self.gave_memory_back = False  # torch's cache on the GPU is empty, and the next call has to fill it
        self.alone: dict[Image, Alone] = {}  # of the quality in memory, images that were also coded in batches
        self._pairs: dict[int, Pair | Failure] = {}
        self._base = BaseCodec(setup)

    def code(self, quality: int, image: Image) -> LocalImage:
        """Raises CodecFailure, and whatever a codec raises."""
        saving = watch_passes() if "bitstreams" in self.setup.parts else nullcontext(None)
        with self.contained(), checked_symbols() as coders, saving as passes:
            coded = LocalImage.verified(self, quality, image)
        coded.passes = list(dict.fromkeys(passes.written)) if passes else []
        coded.fields |= entropy_coder_field(coders)
        if self.spec.variants and "quality" in self.setup.parts and coded.decoded is not None:
            with self.contained():
                coded.fields["base_max_abs"] = self._base.largest_difference(quality, coded.x, coded.decoded)
        return coded

    def encode(self, quality: int, image: Image) -> LocalImage:
        with self.contained(), checked_symbols(), torch.no_grad():
            x = to_tensor(read_image(image)).to(self.device)
            return LocalImage(self, quality, x, self.stored_bits(quality, image) or self.pair(quality).compress(x))

    def stored_bits(self, quality: int, image: Image) -> Bitstream | None:
        """What a picture was encoded to by others; None of a codec that encodes."""
        if not self.spec.streams:
            return None
        return Bitstream(payload=self.setup.streams[quality][image.sha256 or ""].read_bytes())

    def payload_bytes(self, quality: int, image: Image) -> int:
        with self.contained(), torch.no_grad():
            codec = load_codec(self.spec, quality, self.setup.files.get(quality), self.device).codec
            if isinstance(codec, ProgramCodec):
                codec.reads_cache, codec.timeout_s = True, self.setup.timeout_s
            return len(codec.compress(to_tensor(read_image(image)).to(self.device)).payload)

    def code_batches(self, quality: int, images: Sequence[Image], batch: int) -> LocalBatches:
        with self.contained(), checked_symbols() as coders, torch.no_grad():
            coded = LocalBatches.verified(self, quality, images, batch)
        coded.fields |= entropy_coder_field(coders)
        return coded

    def decode(self, quality: int, bits: Bitstream) -> NDArray[np.uint8]:
        """The decoder's picture, [1, 3, H, W]."""
        with self.contained(), torch.no_grad():
            return self.pair(quality).decompress(bits)[1].cpu().numpy()

    def decode_to_hash(self, quality: int, bits: Bitstream) -> str:
        """The hash of the decoder's picture."""
        return picture_digest(self.decode(quality, bits))

    def count_operations(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
        with self.contained(), checked_symbols():
            codec = load_codec(self.spec, quality, self.setup.files.get(quality), self.device).codec
            if self.spec.streams:
                streams = [Bitstream(payload=file.read_bytes()) for file in self.setup.streams[quality].values()]
                return [count_decoding(cast(DecodeOnlyCodec, codec), streams, self.spec.name, quality, *size)]
            return count_complexity(cast(NetworkCodec, codec).module, self.spec.name, quality, *size)

    def open(self) -> None:
        """Nothing to do."""

    def ready(self) -> None:
        """Nothing to do."""

    def renew(self) -> None:
        """Let the networks go."""
        self._pairs.clear()
        self._base.let_go()

    def release(self) -> None:
        """Empty torch's cache of the GPU's memory."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            self.gave_memory_back = True

    def close(self) -> None:
        """Let the codec go."""
        self._pairs.clear()
        self._base.let_go()
        gc.unfreeze()

    def pair(self, quality: int) -> Pair:
        """The two instances of this quality; those of another are let go. A failure to load is remembered."""
        if quality not in self._pairs:
            gc.unfreeze()
            self._pairs.clear()
            forget_compiled(self.spec)
            self.settled_s.clear()
            self.alone.clear()
            self._pairs[quality] = self._load(quality)
            gc.collect()
            gc.freeze()  # else every collection between two images walks through all that the imports left
        pair = self._pairs[quality]
        if isinstance(pair, Pair):
            return pair
        if pair.kind == "out_of_memory":
            del self._pairs[quality]  # there may be more memory another time
            raise CodecFailure(f"{pair.message} (when loaded)", pair.kind)
        raise CodecFailure(f"cannot load: {pair.message}", pair.kind)

    @contextmanager
    def contained(self) -> Iterator[None]:
        """For all that the codec does: the process stays as it was, an exit is a failure, memory errors are unified."""
        with kept_settings(), memory_errors_unified(self.device):
            try:
                yield
            except SystemExit as error:
                raise CodecFailure(f"the codec wants to end the process: SystemExit: {error}") from None

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """For what is measured: contained, without gradients and garbage collection."""
        with self.contained(), torch.no_grad(), undisturbed():
            yield

    def _load(self, quality: int) -> Pair | Failure:
        file = self.setup.files.get(quality)
        try:
            with memory_errors_unified(self.device):
                count = 1 if self.setup.only_decodes else 2
                instances = [load_codec(self.spec, quality, file, self.device) for _ in range(count)]
        except Exception as error:
            return Failure.of(error)
        for codec in (loaded.codec for loaded in instances):
            if isinstance(codec, ProgramCodec):
                codec.reads_cache = not self.setup.parts & COSTS
                codec.timeout_s = self.setup.timeout_s
        return Pair(encoder=instances[0], decoder=instances[-1])
