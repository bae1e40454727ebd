"""Images of one size through one codec in batches, each verified: what it decodes to, whether its bytes stay."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lic_bench.codec import Bitstream
from lic_bench.codecs.network_codec import NetworkCodec, strings_by_image
from lic_bench.measurement.distortion import mse_8bit
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.verified_coding import ROUNDING_MSE, Pair, as_float, code_and_verify, is_as_near


@dataclass(frozen=True, slots=True)
class Alone:
    """An image that was coded by itself and verified. decoded: uint8 [1, 3, H, W], on the host."""

    strings: list[bytes]
    decoded: Tensor


def code_alone(pair: Pair, image: Tensor) -> Alone:
    """Code one image, uint8 [1, 3, H, W] on the codec's device. Raises CodecFailure as code_and_verify."""
    _, bits, decoded = code_and_verify(pair, image, image.device, frozenset())
    return Alone(_strings(pair, bits, 1)[0], decoded.cpu())


def code_in_batches(
    pair: Pair, images: Tensor, batch: int, alone: Sequence[Alone]
) -> tuple[list[Tensor], list[Bitstream], list[int]]:
    """The batches as floats, what each was coded to, and the indexes of the images whose bytes changed.

    images: uint8 [N, 3, H, W] on the codec's device, N a multiple of `batch`; alone: of each. Bytes have changed where
    an image's strings, in its batch or in the same batch the other way round, are not those that it gets alone.
    Raises CodecFailure where a batch decodes to other pictures, and where images share a string.
    """
    batches, coded, changed = [], [], []
    with torch.no_grad():
        for start in range(0, len(images), batch):
            group, expected = images[start : start + batch], alone[start : start + batch]
            x = as_float(group)
            bits = pair.compress(x)
            turned = _strings(pair, pair.compress(x.flip(0)), batch)[::-1]
            same = [a.strings == b == c for a, b, c in zip(expected, _strings(pair, bits, batch), turned, strict=True)]
            _check_decoded(group, pair.decompress(bits)[1], expected, same)
            batches.append(x)
            coded.append(bits)
            changed += [start + index for index, is_same in enumerate(same) if not is_same]
    return batches, coded, changed


def _strings(pair: Pair, bits: Bitstream, batch: int) -> list[list[bytes]]:
    """Of each image."""
    if not isinstance(pair.encoder.codec, NetworkCodec):
        return [[bits.payload]]
    try:
        return strings_by_image(bits, batch)
    except ValueError as error:
        raise CodecFailure(f"cannot be timed in batches: {error}") from None


def _check_decoded(images: Tensor, decoded: Tensor, alone: Sequence[Alone], same: Sequence[bool]) -> None:
    """Raise CodecFailure unless each image is decoded as it is alone, or with other bytes as near to the original."""
    if decoded.shape != images.shape:
        raise CodecFailure(f"decoded size {tuple(decoded.shape)} is not the batch's {tuple(images.shape)}")
    for index, expected in enumerate(alone):
        image, ours, theirs = images[index : index + 1], decoded[index : index + 1], expected.decoded.to(decoded.device)
        difference = mse_8bit(theirs, ours)
        if difference > ROUNDING_MSE and (same[index] or not is_as_near(image, theirs, ours)):
            raise CodecFailure(
                f"decoder out of sync in a batch of {len(images)}: an image differs from what it decodes to alone by a "
                f"mean squared {difference:.3g} levels",
                "out_of_sync",
            )
