"""The trained network that comes with the package: its rates, and decoding by other numbers of threads."""

import pytest
import torch

from lic_bench.codecs.checkpoints import shipped_checkpoints
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.registry import resolve_codec
from lic_bench.images.sample_pictures import draw_sample

SPEC = resolve_codec("lalic-small")
FILES = shipped_checkpoints(SPEC)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_every_quality_has_weights_of_at_most_five_megabytes():
    assert list(FILES) == list(SPEC.qualities)
    assert max(file.stat().st_size for file in FILES.values()) <= 5_000_000


@torch.no_grad()
def test_rate_rises_and_error_falls_along_the_ladder_and_two_threads_code_to_the_same_bytes(threads):
    x = torch.from_numpy(draw_sample(1, 192, 256).copy()).permute(2, 0, 1)[None].float() / 255
    rates, errors = [], []
    for quality, file in FILES.items():
        encoder, decoder = (load_codec(SPEC, quality, file, torch.device("cpu")).codec for _ in range(2))
        threads(1)
        bits = encoder.compress(x)
        alone = decoder.decompress(bits)
        threads(2)
        assert (decoder.decompress(bits) - alone).abs().max() < 1e-6  # convolutions of this size round otherwise
        assert encoder.compress(x) == bits
        rates.append(len(bits.payload))
        errors.append((alone - x).square().mean().item())
    assert rates == sorted(rates)
    assert errors == sorted(errors, reverse=True)
