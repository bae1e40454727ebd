"""Qualities at which a factory gives one and the same network, to be measured once."""

from collections.abc import Mapping, Sequence

import torch

from lic_bench.codec import Bitstream
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.pixels import to_tensor
from lic_bench.codecs.process_settings import kept_settings
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.measurement.symbol_check import checked_symbols
from lic_bench.spec import CodecSpec


def distinct_qualities(spec: CodecSpec, qualities: Sequence[int], weights: Mapping[str, str]) -> tuple[int, ...]:
    """The qualities without those that have the weights of an earlier one and code a picture to the same bytes.

    weights: quality -> hash. A network of the same weights may still code otherwise, as with a scale that is no
    parameter.
    """
    coded: dict[tuple[str, Bitstream | int], int] = {}
    for quality in qualities:
        name = weights[str(quality)]
        shared = [other for other in qualities if weights[str(other)] == name]
        coded.setdefault((name, _coded(spec, quality) if len(shared) > 1 else quality), quality)
    return tuple(coded.values())


def _coded(spec: CodecSpec, quality: int) -> Bitstream | int:
    """What a small picture is coded to; where that fails the quality, so that measuring it will say why."""
    x = to_tensor(draw_sample(1, 64, 64))
    try:
        with kept_settings(), checked_symbols(), torch.no_grad():
            return load_codec(spec, quality, None, torch.device("cpu")).codec.compress(x)
    except (Exception, SystemExit):  # other people's code
        return quality
