"""One image through one codec: encoded, decoded by another instance, and verified; the numbers of its Record."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lic_bench.codec import Bitstream, Codec
from lic_bench.codecs.loading import Loaded
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.program_codec import ProgramCodec
from lic_bench.codecs.transform_cache import TransformCache
from lic_bench.measurement.distortion import max_abs_difference, ms_ssim, mse_8bit, psnr_db, to_8bit
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.peak_memory import bytes_of_weights, measure_peak_memory
from lic_bench.measurement.stopwatch import timed, undisturbed

# What float32 rounding of the forward pass may make of the decoded image: mean squared 8-bit difference of the whole
# image and of its worst 64 x 64 block, and mean squared difference as a share of the image's variance. A symbol that
# rounding moves is far below all of them; a decoder that loses sync is far above one of them.
_WHOLE, _BLOCK, _SHARE = 0.01, 0.5, 1e-3


@dataclass(slots=True)
class Pair:
    """Two instances of one codec at one quality that share nothing: what one codes, the other decodes."""

    encoder: Loaded
    decoder: Loaded
    fresh: bool = True  # nothing was tried yet

    def compress(self, x: Tensor) -> Bitstream:
        """What is timed as encoding. x: [1, 3, H, W] in [0, 1]."""
        return self.encoder.codec.compress(x)

    def decompress(self, bits: Bitstream) -> tuple[Tensor, Tensor]:
        """What is timed as decoding: x_hat, and its 8-bit pixels, which a decoder delivers."""
        x_hat = self.decoder.codec.decompress(bits)
        return x_hat, to_8bit(x_hat)

    @contextmanager
    def kept(self, calls: TransformCache) -> Iterator[None]:
        """Let `calls` keep what the networks' transforms give."""
        with ExitStack() as stack:
            for codec in (self.encoder.codec, self.decoder.codec):
                if isinstance(codec, NetworkCodec):
                    stack.enter_context(calls.keep_outputs(codec.module))
            yield


def code_and_verify(
    pair: Pair, image: Tensor, device: torch.device, parts: frozenset[str]
) -> tuple[dict[str, Any], Bitstream, Tensor]:
    """The measured fields of a Record for image, uint8 [1, 3, H, W] on `device`, but for times; its bitstream; the
    decoded image, uint8.

    Raises CodecFailure where the output is unusable or the decoder has lost sync with the encoder.
    """
    x = image.float().div(255)
    with torch.no_grad(), undisturbed():
        fields, bits, (x_hat, decoded) = _code(pair, x, device, parts, calls := TransformCache())
    if not torch.equal(x, image.float().div(255)):
        raise CodecFailure("compress writes into the image that it is given; it must work on a copy")
    if decoded.shape != image.shape:
        raise CodecFailure(f"decoded size {tuple(decoded.shape)} is not the image's {tuple(image.shape)}")
    fields |= _verify(pair, x, x_hat, decoded, bits, calls)
    if "quality" in parts:
        mse = mse_8bit(image, decoded)
        fields |= {"mse_8bit": mse, "psnr_db": psnr_db(mse), "ms_ssim": ms_ssim(image, decoded)}
    return fields, bits, decoded


def _code(
    pair: Pair, x: Tensor, device: torch.device, parts: frozenset[str], calls: TransformCache
) -> tuple[dict[str, Any], Bitstream, tuple[Tensor, Tensor]]:
    """Encode and decode: bytes, the seconds of the very first calls, memory of later ones.

    Where neither is asked, the outputs of the transforms go to `calls`.
    """
    cold, peaks = {}, {}
    bits, out = Bitstream(b""), (x, x)
    fresh, pair.fresh = pair.fresh, False  # also where that fails: what is tried again is no first call
    if fresh and parts & {"latency", "memory"}:
        bits, cold["encode"] = timed(lambda: pair.compress(x), device)
        out, cold["decode"] = timed(lambda: pair.decompress(bits), device)
    if "memory" in parts:
        bits, encode = measure_peak_memory(lambda: pair.compress(x), device)
        out, decode = measure_peak_memory(lambda: pair.decompress(bits), device)
        peaks = _peaks(pair.encoder.codec, encode=encode, decode=decode)
    elif not cold:
        with pair.kept(calls):
            bits = pair.compress(x)
            out = pair.decompress(bits)
    fields = {
        "cold_start_s": cold,
        "peak_memory_bytes": peaks,
        "payload_bytes": len(bits.payload),
        "header_bytes": len(bits.header),
        "bitstream_sha256": hashlib.sha256(bits.header + bits.payload).hexdigest(),
    }
    return fields, bits, out


def _peaks(codec: Codec, **operations: dict[str, int]) -> dict[str, int]:
    """Operation and kind -> bytes. Of a codec that is another program, what that takes, not this process."""
    peaks = {f"{name}_{kind}": size for name, kinds in operations.items() for kind, size in kinds.items()}
    if isinstance(codec, NetworkCodec):
        return peaks | {"weights": bytes_of_weights(codec.module)}
    return {k: size for k, size in peaks.items() if "children" in k} if isinstance(codec, ProgramCodec) else peaks


def _verify(
    pair: Pair, x: Tensor, x_hat: Tensor, decoded: Tensor, bits: Bitstream, calls: TransformCache
) -> dict[str, Any]:
    """Compare what the decoder's instance made of the bytes with the encoder-side reconstruction.

    x_hat: the decoder's output before, `decoded` after rounding to 8 bit. A learned codec's encoder side is its
    forward pass, a classical codec's a decode by the encoder's instance, which must be equal. calls: what a transform
    gave before for the same input and weights need not be computed again.
    """
    encoder = pair.encoder.codec
    fields: dict[str, Any] = {}
    if learned := isinstance(encoder, NetworkCodec):
        reference, fields["bpp_estimated"] = encoder.estimate(x, calls)
    else:
        reference = encoder.decompress(bits)
    if not bool(torch.isfinite(reference).all()) or not math.isfinite(fields.get("bpp_estimated", 0.0)):
        raise CodecFailure("the codec gives NaN or infinite values")
    expected = to_8bit(reference).to(decoded.device)
    fields |= {"decode_mse": mse_8bit(expected, decoded), "decode_max_abs": max_abs_difference(expected, decoded)}
    differs = fields["decode_mse"] > (_WHOLE if learned else 0)
    if differs or not _like(x_hat, reference.to(x_hat.device), expected, decoded):
        raise CodecFailure(
            "decoder out of sync: the decoded image differs from the encoder-side reconstruction by a mean squared "
            f"{fields['decode_mse']:.3g} levels, at most {fields['decode_max_abs']} levels",
            "out_of_sync",
        )
    return fields


def _like(x_hat: Tensor, reference: Tensor, expected: Tensor, decoded: Tensor) -> bool:
    """Whether two reconstructions agree in every block, and beside their own variance, which may be small."""
    squared = (expected.float() - decoded.float()).square()
    worst = F.avg_pool2d(squared, 64, ceil_mode=True).mean(1).max()
    share = (x_hat - reference).square().mean() / reference.var(correction=0).clamp_min(1e-8)
    return bool(worst <= _BLOCK) and bool(share <= _SHARE)
