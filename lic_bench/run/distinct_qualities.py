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


def drop_repeated_networks(
    specs: Sequence[CodecSpec], ladders: dict[str, tuple[int, ...]], weights: dict[str, dict[str, str]]
) -> list[str]:
    """Leave one of the qualities at which a factory gives the same network, in both; a line for each that lost some."""
    return [line for spec in specs if spec.own_weights for line in _drop_repeated(spec, ladders, weights)]


def _drop_repeated(
    spec: CodecSpec, ladders: dict[str, tuple[int, ...]], weights: dict[str, dict[str, str]]
) -> list[str]:
    """Leave only one of the qualities at which a factory gives the same network; the line that says so."""
    qualities, hashes = ladders[spec.name], weights[spec.name]
    kept = distinct_qualities(spec, qualities, hashes)
    if len(kept) == len(qualities):
        return []
    ladders[spec.name], weights[spec.name] = kept, {str(quality): hashes[str(quality)] for quality in kept}
    lacking = ", ".join(str(quality) for quality in qualities if quality not in kept)
    return [
        f"{spec.name}: the factory ignores the quality: one network, so {spec.quality_name} {lacking} is left out; "
        f"measured: {', '.join(map(str, kept))}"
    ]
