"""One image through one codec: the numbers of one Record."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.measurement.memory import peak, weights_bytes
from lic_bench.measurement.stopwatch import Effort, sample, undisturbed, warm_up
from lic_bench.metrics import max_abs, ms_ssim, mse_8bit, psnr_db, to_8bit
from lic_bench.model_codec import ModelCodec
from lic_bench.models import Loaded

PARTS = ("quality", "latency", "memory", "complexity")
_LOST_SYNC = 0.05, 0.02  # squared levels allowed between decoder and encoder side: a constant, and a share of the MSE


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
    decoded: Tensor = fields.pop("decoded")
    if decoded.shape != image.shape:
        raise CodecFailure(f"decoded size {tuple(decoded.shape)} is not the image's {tuple(image.shape)}")
    mse = mse_8bit(image, decoded)
    fields |= _verified(pair, x, decoded, fields.pop("bits"), mse)
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

    def decode() -> Tensor:
        return to_8bit(decoder.decompress(bits))  # a decoder delivers 8-bit pixels, so this is part of its time

    bits = Bitstream(b"")
    for name, call in (("encode", encode), ("decode", decode)):
        if "latency" in parts and size not in pair.warm:
            first = warm_up(call, device, effort)[0]
            fields["cold_start_s"] |= {} if pair.warm else {name: first}
        out: Any = None
        if "memory" in parts:
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


def _verified(pair: Pair, x: Tensor, decoded: Tensor, bits: Bitstream, mse: float) -> dict[str, Any]:
    """Compare the decoded image with the encoder-side reconstruction.

    A learned codec's is its forward pass, whose float32 rounding may move single symbols: a small squared difference
    is allowed, a lost sync is far above it. A classical codec's is a decode by the encoder's instance: equal.
    """
    encoder = pair.encoder.codec
    found: dict[str, Any] = {}
    allowed = 0.0
    if isinstance(encoder, ModelCodec):
        x_hat, found["bpp_estimated"] = encoder.estimate(x)
        allowed = _LOST_SYNC[0] + _LOST_SYNC[1] * min(mse, 25.0)
    else:
        x_hat = encoder.decompress(bits)
    if not bool(torch.isfinite(x_hat).all()) or not math.isfinite(found.get("bpp_estimated", 0.0)):
        raise CodecFailure("the codec gives NaN or infinite values")
    reference = to_8bit(x_hat).to(decoded.device)
    difference = mse_8bit(reference, decoded)
    if difference > allowed:
        raise CodecFailure(
            f"decoder out of sync: the decoded image differs from the encoder-side reconstruction "
            f"by a mean squared {difference:.3g} levels (allowed {allowed:.3g})"
        )
    return found | {"decode_mse": difference, "decode_max_abs": max_abs(reference, decoded)}
