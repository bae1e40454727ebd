"""The coder against CompressAI's, whose strings it must write and read."""

import copy
import gc
import pickle

import pytest
import torch
from compressai import ans
from compressai._CXX import pmf_to_quantized_cdf
from compressai.entropy_models import EntropyBottleneck, GaussianConditional
from hypothesis import given, settings
from hypothesis import strategies as st

from lic_bench.codecs.gaussian_coding import scale_table
from lic_bench.codecs.rans import Decoder, Encoder, Tables

LARGEST = 2**26  # CompressAI's coder does not return from 2^27 on


def tables_of(rows: list[list[int]], offsets: list[int]) -> Tables:
    longest = max(map(len, rows))
    padded = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return Tables(padded, torch.tensor([len(row) for row in rows]), torch.tensor(offsets))


@st.composite
def coded(draw: st.DrawFn) -> tuple[list[list[int]], list[int], list[int], list[int]]:
    """Cumulative frequencies, their offsets, symbols and the indexes of their tables."""
    weights = st.lists(st.floats(1e-6, 1), min_size=2, max_size=40)
    rows = [
        list(pmf_to_quantized_cdf([w / sum(row) for w in row], 16))
        for row in draw(st.lists(weights, min_size=1, max_size=5))
    ]
    offsets = draw(st.lists(st.integers(-50, 50), min_size=len(rows), max_size=len(rows)))
    symbol = st.one_of(st.integers(-60, 60), st.integers(-LARGEST, LARGEST))
    symbols = draw(st.lists(symbol, min_size=3, max_size=200))  # CompressAI overruns its buffer with one or two
    indexes = st.integers(0, len(rows) - 1)
    return rows, offsets, symbols, draw(st.lists(indexes, min_size=len(symbols), max_size=len(symbols)))


@given(coded())
@settings(max_examples=300, deadline=None)
def test_strings_are_compressais_and_are_read_as_by_it(
    case: tuple[list[list[int]], list[int], list[int], list[int]],
) -> None:
    rows, offsets, symbols, indexes = case
    theirs = ans.RansEncoder().encode_with_indexes(symbols, indexes, rows, list(map(len, rows)), offsets)
    tables, encoder = tables_of(rows, offsets), Encoder()
    encoder.put(torch.tensor(symbols), torch.tensor(indexes), tables)
    assert encoder.flush() == theirs
    assert Decoder(theirs).get(torch.tensor(indexes), tables).tolist() == symbols


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_symbols_are_whole_strings(count: int) -> None:
    tables, indexes = tables_of([[0, 30000, 65536]], [0]), torch.zeros(count, dtype=torch.int32)
    symbols = torch.full((count,), -(2**31), dtype=torch.int32)
    encoder = Encoder()
    encoder.put(symbols, indexes, tables)
    string = encoder.flush()
    assert len(string) >= 8
    assert Decoder(string).get(indexes, tables).equal(symbols)


def gaussian_case() -> tuple[GaussianConditional, torch.Tensor, torch.Tensor]:
    model = GaussianConditional(scale_table())
    model.update_scale_table(scale_table(), force=True)
    generator = torch.Generator().manual_seed(0)
    indexes = torch.randint(0, 64, (2, 5, 16, 24), generator=generator)
    scales = torch.tensor(scale_table())[indexes]
    return model, torch.round(torch.randn(indexes.shape, generator=generator) * scales).int(), indexes


def test_passes_of_one_string_are_read_in_turn() -> None:
    model, symbols, indexes = gaussian_case()
    tables = Tables(model.quantized_cdf, model.cdf_length, model.offset)
    encoder, buffered = Encoder(), ans.BufferedRansEncoder()
    theirs = model.quantized_cdf.tolist(), model.cdf_length.tolist(), model.offset.tolist()
    for part, of_part in zip(symbols, indexes, strict=True):
        encoder.put(part, of_part, tables)
        buffered.encode_with_indexes(part.flatten().tolist(), of_part.flatten().tolist(), *theirs)
    string = encoder.flush()
    assert string == buffered.flush()
    decoder = Decoder(string)
    for part, of_part in zip(symbols, indexes, strict=True):
        assert decoder.get(of_part, tables).equal(part)


def test_the_factorised_prior_has_compressais_strings() -> None:
    torch.manual_seed(0)
    model = EntropyBottleneck(6)
    model.update(force=True)
    z = 8 * torch.randn(2, 6, 4, 5)
    tables = Tables(model.quantized_cdf, model.cdf_length, model.offset)
    indexes = torch.arange(6).view(6, 1, 1).expand(6, 4, 5)
    medians = model.quantiles[:, 0, 1].detach().view(6, 1, 1)
    for image, theirs in zip(z, model.compress(z), strict=True):
        encoder = Encoder()
        encoder.put(torch.round(image - medians), indexes, tables)
        assert encoder.flush() == theirs


@given(st.binary(max_size=64), st.integers(0, 200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_symbols_or_a_plain_error(string: bytes, count: int) -> None:
    tables = tables_of([[0, 1, 65535, 65536], [0, 65535, 65536]], [-1, 5])
    indexes = torch.arange(count) % 2
    try:
        outcome = str(Decoder(string).get(indexes, tables).shape)
    except ValueError as error:
        outcome = str(error)
    assert outcome == f"torch.Size([{count}])" or "damaged" in outcome


def test_a_truncated_string_ends_in_an_error_before_it_ends() -> None:
    model, symbols, indexes = gaussian_case()
    tables, encoder = Tables(model.quantized_cdf, model.cdf_length, model.offset), Encoder()
    encoder.put(symbols, indexes, tables)
    string = encoder.flush()
    with pytest.raises(ValueError, match="ends before its last symbol"):
        Decoder(string[: len(string) // 8 * 4]).get(indexes, tables)
    with pytest.raises(ValueError, match="A string of 7 bytes"):
        Decoder(string[:7])


def test_wrong_arguments_are_refused() -> None:
    tables, encoder = tables_of([[0, 30000, 65536]], [0]), Encoder()
    with pytest.raises(ValueError, match="2 symbols and 1 indexes"):
        encoder.put(torch.tensor([1, 2]), torch.tensor([0]), tables)
    for index in (-1, 1):
        wrong = Encoder()
        wrong.put(torch.tensor([0]), torch.tensor([index]), tables)
        with pytest.raises(ValueError, match="index is that of no table"):
            wrong.flush()
        with pytest.raises(ValueError, match="index is that of no table"):
            Decoder(bytes(8)).get(torch.tensor([index]), tables)
    far = Encoder()
    far.put(torch.tensor([-(2**31)]), torch.tensor([0]), tables_of([[0, 30000, 65536]], [1]))
    with pytest.raises(ValueError, match=r"2\^31 or more away"):
        far.flush()
    for row in ([0, 65535], [1, 65536], [0, 5, 5, 65536], [0]):
        with pytest.raises(ValueError, match="does not rise from 0 to 65536"):
            tables_of([row], [0])
    with pytest.raises(ValueError, match="1 tables, 2 lengths"):
        Tables(torch.tensor([[0, 65536]]), torch.tensor([2, 2]), torch.tensor([0]))


def test_tables_are_shared_by_copies_and_not_pickled() -> None:
    tables, indexes = tables_of([[0, 30000, 65536]], [0]), torch.zeros(3)
    encoder = Encoder()
    encoder.put(torch.zeros(3), indexes, copy.deepcopy(tables))
    gc.collect()
    assert Decoder(encoder.flush()).get(indexes, tables).tolist() == [0, 0, 0]
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(tables)
