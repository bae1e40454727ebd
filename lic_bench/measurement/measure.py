"""One image through one codec: the numbers of one Record."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.external import ExternalCodec
from lic_bench.measurement.memory import peak, weights_bytes
from lic_bench.measurement.stopwatch import Effort, sample, undisturbed, warm_up
from lic_bench.metrics import max_abs, ms_ssim, mse_8bit, psnr_db, to_8bit
from lic_bench.model_codec import ModelCodec
from lic_bench.models import Loaded

# What float32 rounding of the forward pass may make of the decoded image: mean squared 8-bit difference of the whole
# image and of its worst 64 x 64 block, and mean squared difference as a share of the image's variance. A symbol that
# rounding moves is far below all of them; a decoder that loses sync is far above one of them.
_WHOLE, _BLOCK, _SHARE = 0.01, 0.5, 1e-3


class CodecFailure(Exception):
    """The codec broke its contract; the message becomes the record's error."""


@dataclass(slots=True)
class Pair:
    """Two instances of one codec at one quality that share nothing: what one codes, the other decodes."""

    encoder: Loaded
    decoder: Loaded
    warm: set[tuple[int, int]] = field(default_factory=set)  # the image sizes whose warm-up is done


def measure(pair: Pair, image: Tensor, device: torch.device, parts: frozenset[str], effort: Effort) -> dict[str, Any]:
    """The measured fields of a Record for image, uint8 [1, 3, H, W] on `device`.

    Raises CodecFailure where the output is unusable or the decoder has lost sync with the encoder.
    """
    x = image.float().div(255)
    with torch.no_grad(), undisturbed():
        fields = _coded(pair, x, device, parts, effort)
    x_hat, decoded = fields.pop("decoded")
    if decoded.shape != image.shape:
        raise CodecFailure(f"decoded size {tuple(decoded.shape)} is not the image's {tuple(image.shape)}")
    mse = mse_8bit(image, decoded)
    fields |= _verified(pair, x, x_hat, decoded, fields.pop("bits"))
    if "quality" in parts:
        fields |= {"mse_8bit": mse, "psnr_db": psnr_db(mse), "ms_ssim": ms_ssim(image, decoded)}
    return fields


def _coded(pair: Pair, x: Tensor, device: torch.device, parts: frozenset[str], effort: Effort) -> dict[str, Any]:
    """Encode and decode: bytes, times, memory."""
    encoder, decoder = pair.encoder.codec, pair.decoder.codec
    fields: dict[str, Any] = {"cold_start_s": {}, "peak_memory_bytes": {}}
    size = x.shape[-2], x.shape[-1]

    def encode() -> Bitstream:
        return encoder.compress(x)

    def decode() -> tuple[Tensor, Tensor]:
        x_hat = decoder.decompress(bits)
        return x_hat, to_8bit(x_hat)  # a decoder delivers 8-bit pixels, so they are part of its time

    bits = Bitstream(b"")
    for name, call in (("encode", encode), ("decode", decode)):
        if "latency" in parts and size not in pair.warm:
            first = warm_up(call, device, effort)[0]
            fields["cold_start_s"] |= {} if pair.warm else {name: first}
        out: Any = None
        if "memory" in parts and not isinstance(encoder, ExternalCodec):  # whose memory is not this process's
            out, memory = peak(call, device)
            fields["peak_memory_bytes"] |= {f"{name}_{kind}": value for kind, value in memory.items()}
        if "latency" in parts:
            out, fields[f"{name}_s"] = sample(call, device, effort)
        elif out is None:
            out = call()
        if name == "encode":
            bits = out
        else:
            fields["decoded"] = out
    if isinstance(encoder, ModelCodec) and "memory" in parts:
        fields["peak_memory_bytes"]["weights"] = weights_bytes(encoder.module)
    pair.warm.add(size)
    return fields | {
        "bits": bits,
        "payload_bytes": len(bits.payload),
        "header_bytes": len(bits.header),
        "bitstream_sha256": hashlib.sha256(bits.header + bits.payload).hexdigest(),
    }


def _verified(pair: Pair, x: Tensor, x_hat: Tensor, decoded: Tensor, bits: Bitstream) -> dict[str, Any]:
    """Compare what the decoder's instance made of the bytes with the encoder-side reconstruction.

    x_hat: the decoder's output before, `decoded` after rounding to 8 bit. A learned codec's encoder side is its
    forward pass, a classical codec's a decode by the encoder's instance, which must be equal.
    """
    encoder = pair.encoder.codec
    learned = isinstance(encoder, ModelCodec)
    found: dict[str, Any] = {}
    if isinstance(encoder, ModelCodec):
        reference, found["bpp_estimated"] = encoder.estimate(x)
    else:
        reference = encoder.decompress(bits)
    if not bool(torch.isfinite(reference).all()) or not math.isfinite(found.get("bpp_estimated", 0.0)):
        raise CodecFailure("the codec gives NaN or infinite values")
    expected = to_8bit(reference).to(decoded.device)
    found |= {"decode_mse": mse_8bit(expected, decoded), "decode_max_abs": max_abs(expected, decoded)}
    if found["decode_mse"] > (_WHOLE if learned else 0) or not _like(
        x_hat, reference.to(x_hat.device), expected, decoded
    ):
        raise CodecFailure(
            "decoder out of sync: the decoded image differs from the encoder-side reconstruction by a mean squared "
            f"{found['decode_mse']:.3g} levels, at most {found['decode_max_abs']} levels"
        )
    return found


def _like(x_hat: Tensor, reference: Tensor, expected: Tensor, decoded: Tensor) -> bool:
    """Whether two reconstructions agree in every block, and beside their own variance, which may be small."""
    squared = (expected.float() - decoded.float()).square()
    worst = F.avg_pool2d(squared, 64, ceil_mode=True).mean(1).max()
    share = (x_hat - reference).square().mean() / reference.var(correction=0).clamp_min(1e-8)
    return bool(worst <= _BLOCK) and bool(share <= _SHARE)
