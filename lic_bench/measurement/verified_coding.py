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
from lic_bench.codecs.coded_symbols import watch_coders
from lic_bench.codecs.loading import RANDOM, Loaded
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.program_codec import ProgramCodec
from lic_bench.codecs.transform_cache import TransformCache
from lic_bench.machine.free_memory import free_memory_bytes
from lic_bench.measurement.distortion import ROWS, bands, max_abs_difference, ms_ssim, mse_8bit, psnr_db, to_8bit
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.peak_memory import bytes_of_weights, measure_peak_memory, release_freed_memory
from lic_bench.measurement.stopwatch import timed, undisturbed

# What float32 rounding of the forward pass may make of the decoded image: mean squared 8-bit difference of the whole
# image and of its worst 64 x 64 block, and mean squared difference as a share of the image's variance. A symbol that
# rounding moves is far below all of them; a decoder that loses sync is far above one of them.
ROUNDING_MSE, _BLOCK, _SHARE = 0.01, 0.5, 1e-3
_LARGE = 2**25  # values of an image
BYTES_PER_PIXEL = 50  # of host memory, beside the codec: 43 were seen with JPEG at 4096 x 4096
_BEYOND, _FEW = 0.5, 1e-3  # how far values may be outside [0, 1], and the share of those that may be farther
_NEAR = 10**0.1  # 1 dB, which a forward pass that rounds otherwise stays below (0.01 dB seen), and a lost sync does not


@dataclass(slots=True)
class Pair:
    """Two instances of one codec at one quality that share nothing: what one codes, the other decodes."""

    encoder: Loaded
    decoder: Loaded
    fresh: bool = True  # nothing was tried yet

    def compress(self, x: Tensor) -> Bitstream:
        """What is timed as encoding. x: [1, 3, H, W] in [0, 1]. Whatever else the codec's object holds stays here."""
        bits = self.encoder.codec.compress(x)
        return Bitstream(payload=bytes(bits.payload), header=bytes(bits.header))

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


def check_memory(width: int, height: int, bytes_per_pixel: int = BYTES_PER_PIXEL) -> None:
    """Raise CodecFailure if an image of so many pixels does not fit into the memory that is free on the host."""
    needed, free = bytes_per_pixel * width * height, free_memory_bytes()
    if needed > free:
        raise CodecFailure(
            f"out of memory, not tried: an image of {width}x{height} pixels takes {needed / 1e9:.2g} GB beside the "
            f"codec, {free / 1e9:.2g} GB are free",
            "out_of_memory",
        )


def code_and_verify(
    pair: Pair, image: Tensor, device: torch.device, parts: frozenset[str], stored: Bitstream | None = None
) -> tuple[dict[str, Any], Bitstream, Tensor]:
    """The measured fields of a Record for image, uint8 [1, 3, H, W] on `device`, but for times; its bitstream; the
    decoded image, uint8.

    stored: what the image was encoded to before, of a codec that only decodes.
    Raises CodecFailure where the output is unusable or the decoder has lost sync with the encoder.
    """
    with torch.no_grad(), undisturbed():
        fields, bits, (x_hat, decoded) = _code(pair, image, device, parts, calls := TransformCache(), stored)
    if decoded.shape != image.shape:
        raise CodecFailure(f"decoded size {tuple(decoded.shape)} is not the image's {tuple(image.shape)}")
    if stored:
        _check_shows(image, decoded)
    _check_range(x_hat)
    if not isinstance(pair.encoder.codec, NetworkCodec):
        x_hat = decoded  # all that is compared, and a quarter of the memory
    _make_room(image)
    fields |= _verify(pair, image, x_hat, decoded, bits, calls)
    if "quality" in parts:
        mse = mse_8bit(image, decoded)
        fields |= {"mse_8bit": mse, "psnr_db": psnr_db(mse), "ms_ssim": ms_ssim(image, decoded)}
    return fields, bits, decoded


def _check_input(x: Tensor, image: Tensor) -> None:
    """Raise CodecFailure where coding has changed x, which others still need."""
    if not torch.equal(x, as_float(image)):
        raise CodecFailure("compress writes into the image that it is given; it must work on a copy")


def _check_shows(image: Tensor, decoded: Tensor) -> None:
    """Raise CodecFailure where a stored bitstream holds another picture: its own mean colour is nearer to the image."""
    colour = image.float().mean((2, 3), keepdim=True).round().to(image.dtype).expand_as(image)
    if (mse := mse_8bit(image, decoded)) > mse_8bit(image, colour):
        raise CodecFailure(
            f"the bitstream is of another picture: at {psnr_db(mse):.1f} dB it is farther from this one than a single "
            "colour"
        )


def _make_room(image: Tensor) -> None:
    """Beside a large image, return to the system what was freed: it lies in pieces that the next step cannot use."""
    if image.numel() > _LARGE:
        release_freed_memory(image.device)


def as_float(image: Tensor) -> Tensor:
    """image uint8 -> float32 in [0, 1]; made where it is needed, as images may be large."""
    return image.float().div_(255)


def _code(
    pair: Pair,
    image: Tensor,
    device: torch.device,
    parts: frozenset[str],
    calls: TransformCache,
    stored: Bitstream | None,
) -> tuple[dict[str, Any], Bitstream, tuple[Tensor, Tensor]]:
    """Encode and decode: bytes, the seconds of the very first calls, memory of later ones.

    stored: see code_and_verify; then the numbers are of decoding alone. Where neither is asked, the outputs of the
    transforms go to `calls`.
    """
    cold, peaks = {}, {}
    compress = pair.compress if stored is None else lambda _: stored
    first = pair.fresh and bool(parts & {"latency", "memory"})
    pair.fresh = False  # also where that fails: what is tried again is no first call
    if first or "memory" in parts:
        x = as_float(image)
        if first:
            bits, cold["encode"] = timed(lambda: compress(x), device)
            out, cold["decode"] = timed(lambda: pair.decompress(bits), device)
        if "memory" in parts:
            bits, encode = measure_peak_memory(lambda: compress(x), device)
            out, decode = measure_peak_memory(lambda: pair.decompress(bits), device)
            peaks = _peaks(pair.encoder.codec, encode=encode, decode=decode)
        _check_input(x, image)
    else:
        with pair.kept(calls):
            bits = compress(x := as_float(image))
            _check_input(x, image)
            del x
            _make_room(image)
            out = pair.decompress(bits)
    if stored is not None:
        cold.pop("encode", None)
        peaks = {name: size for name, size in peaks.items() if not name.startswith("encode")}
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
    pair: Pair, image: Tensor, x_hat: Tensor, decoded: Tensor, bits: Bitstream, calls: TransformCache
) -> dict[str, Any]:
    """Compare what the decoder's instance made of the bytes with the encoder-side reconstruction.

    x_hat: a learned decoder's output before, `decoded` after rounding to 8 bit. A learned codec's encoder side is its
    forward pass, a classical codec's a decode by the encoder's instance, which must be equal. Where a forward pass
    rounds otherwise than the encoder, as in mbt2018, what counts is that the decoder read the symbols that were
    written and is about as near to the image. calls: what a transform gave before for the same input and weights
    need not be computed again.
    """
    encoder = pair.encoder.codec
    fields: dict[str, Any] = {}
    if learned := isinstance(encoder, NetworkCodec):
        reference, fields["bpp_estimated"] = encoder.estimate(as_float(image), calls)
    else:
        reference = encoder.decompress(bits)
    if not bool(torch.isfinite(reference).all()) or not math.isfinite(fields.get("bpp_estimated", 0.0)):
        raise CodecFailure("the codec gives NaN or infinite values")
    if pair.encoder.weights != RANDOM:  # whose output may be anything
        _check_range(reference)
    expected = torch.cat([to_8bit(band) for band in torch.split(reference, ROWS, 2)], 2).to(decoded.device)
    fields |= {"decode_mse": mse_8bit(expected, decoded), "decode_max_abs": max_abs_difference(expected, decoded)}
    differs = fields["decode_mse"] > (ROUNDING_MSE if learned else 0)
    differs = differs or (learned and not _like(x_hat, reference.to(x_hat.device), expected, decoded))
    if differs and not (
        learned and is_as_near(image, expected, decoded) and _reads_what_was_written(pair, image, decoded)
    ):
        raise CodecFailure(
            "decoder out of sync: the decoded image differs from the encoder-side reconstruction by a mean squared "
            f"{fields['decode_mse']:.3g} levels, at most {fields['decode_max_abs']} levels",
            "out_of_sync",
        )
    return fields


def _check_range(x_hat: Tensor) -> None:
    """Raise CodecFailure where values of a reconstruction are far outside [0, 1]; a network may go a little beyond."""
    low, high = (value.item() for value in torch.aminmax(x_hat))
    if low >= -_BEYOND and high <= 1 + _BEYOND:
        return
    if ((x_hat < -_BEYOND) | (x_hat > 1 + _BEYOND)).float().mean() > _FEW:
        scale = "0..255" if high > 2 else "-1..1"
        raise CodecFailure(
            f"the reconstruction has values from {low:.3g} to {high:.3g}; allowed is 0 to 1: is it scaled to {scale}?"
        )


def is_as_near(image: Tensor, expected: Tensor, decoded: Tensor) -> bool:
    """Whether what was decoded is no farther from the image than what was expected, but for 1 dB or a level."""
    return mse_8bit(image, decoded) <= _NEAR * mse_8bit(image, expected) + 1


def _reads_what_was_written(pair: Pair, image: Tensor, decoded: Tensor) -> bool:
    """Whether, once more from image to `decoded`, the decoder reads exactly the symbols that the encoder writes."""
    with watch_coders() as symbols:
        _, again = pair.decompress(pair.compress(as_float(image)))
    return symbols.agree() and torch.equal(again, decoded)


def _like(x_hat: Tensor, reference: Tensor, expected: Tensor, decoded: Tensor) -> bool:
    """Whether two reconstructions agree in every block, and beside their own variance, which may be small."""
    blocks = [F.avg_pool2d((a.float() - b).square_(), 64, ceil_mode=True).mean(1) for a, b in bands(expected, decoded)]
    error = sum((a - b.clamp(0, 1)).square_().sum() for a, b in bands(x_hat, reference))
    share = error / x_hat.numel() / reference.var(correction=0).clamp_min(1e-8)
    return all(bool((block <= _BLOCK).all()) for block in blocks) and bool(share <= _SHARE)
