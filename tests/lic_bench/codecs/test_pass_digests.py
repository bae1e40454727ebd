"""The first pass in which a decoder departs from its encoder."""

from contextlib import suppress

import torch
from compressai.entropy_models import GaussianConditional
from torch import Tensor

from lic_bench.codecs import rans
from lic_bench.codecs.gaussian_coding import scale_table
from lic_bench.codecs.pass_digests import Pass, first_other_pass, watch_passes

MODEL = GaussianConditional(scale_table()).eval()
MODEL.update_scale_table(scale_table(), force=True)
TABLES = rans.Tables(MODEL.quantized_cdf, MODEL.cdf_length, MODEL.offset)
INDEXES = torch.full((3, 200), 30, dtype=torch.int32)  # of three passes


def written(passes_per_string: int) -> tuple[list[Pass], list[bytes]]:
    """Three passes in one string, or each in its own."""
    symbols = torch.randint(-5, 6, INDEXES.shape, generator=torch.Generator().manual_seed(0))
    strings = []
    with watch_passes() as seen:
        for group in zip(symbols.split(passes_per_string), INDEXES.split(passes_per_string), strict=True):
            encoder = rans.Encoder()
            for row, indexes in zip(*group, strict=True):
                encoder.put(row, indexes, TABLES)
            strings.append(encoder.flush())
    return seen.written, strings


def read(strings: list[bytes], passes_per_string: int, indexes: Tensor) -> list[Pass]:
    with watch_passes() as seen, suppress(ValueError):  # where a string ends too early
        for string, group in zip(strings, indexes.split(passes_per_string), strict=True):
            decoder = rans.Decoder(string)
            for row in group:
                decoder.get(row, TABLES)
    return seen.read


def test_a_decoder_in_step_departs_nowhere() -> None:
    for count in (1, 3):
        passes, strings = written(count)
        assert len(passes) == 3
        assert first_other_pass(passes, read(strings, count, INDEXES)) is None


def test_the_pass_whose_gaussians_are_other_is_named() -> None:
    other = INDEXES.clone()
    other[1, 50] += 1
    for count in (1, 3):
        passes, strings = written(count)
        assert first_other_pass(passes, read(strings, count, other)) == 2


def test_the_first_in_the_order_of_decoding_counts() -> None:
    """z is written last and read first."""
    passes, _ = written(1)
    changed = [(name, number, "other") for name, number, _ in passes]
    assert first_other_pass(passes, [changed[2], changed[0]]) == 3
    assert first_other_pass(passes, [passes[2], changed[0]]) == 1


def test_strings_that_nobody_noted_say_nothing() -> None:
    passes, strings = written(1)
    assert first_other_pass([], read(strings, 1, INDEXES)) is None
    assert first_other_pass(passes, [("unknown", 0, "")]) is None
