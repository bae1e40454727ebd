"""What both rANS coders code is seen whole, whoever calls it, and afterwards it is as before."""

import pytest
import torch
from compressai import ans
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.codecs import rans
from lic_bench.codecs.coded_symbols import watch_coders

TABLES = ([[0, 20000, 50000, 65535, 65536]], [5], [-1])
values = st.lists(st.integers(-40, 40), min_size=8, max_size=30)  # fewer overrun its buffer


@given(st.lists(values, min_size=1, max_size=3), st.booleans())
def test_streams_and_whole_strings_read_in_pieces_agree(parts: list[list[int]], buffered: bool) -> None:
    symbols = [value for part in parts for value in part]
    with watch_coders() as seen:
        if buffered:
            encoder = ans.BufferedRansEncoder()
            for part in parts:
                encoder.encode_with_indexes(part, [0] * len(part), *TABLES)
            string = encoder.flush()
        else:
            string = ans.RansEncoder().encode_with_indexes(symbols, [0] * len(symbols), *TABLES)
        decoder = ans.RansDecoder()
        decoder.set_stream(string)
        for part in parts:
            assert decoder.decode_stream([0] * len(part), *TABLES) == part
    assert seen.agree()
    assert list(seen.written) == [(string, tuple(symbols))]


@given(st.lists(values, min_size=1, max_size=3))
def test_of_our_coder_all_passes_are_seen(parts: list[list[int]]) -> None:
    tables = rans.Tables(*map(torch.tensor, TABLES))
    with watch_coders() as seen:
        encoder = rans.Encoder()
        for part in parts:
            encoder.put(torch.tensor(part), torch.zeros(len(part)), tables)
        decoder = rans.Decoder(string := encoder.flush())
        for part in parts[:-1]:
            decoder.get(torch.zeros(len(part)), tables)
        assert not seen.agree()
        assert decoder.get(torch.zeros(len(parts[-1])), tables).tolist() == parts[-1]
    assert seen.agree()
    assert list(seen.written) == [(string, tuple(value for part in parts for value in part))]


def test_other_symbols_a_string_not_read_and_nothing_at_all_do_not_agree() -> None:
    with watch_coders() as seen:
        string = ans.RansEncoder().encode_with_indexes([1, 0, 2] * 3, [0] * 9, *TABLES)
        ans.RansDecoder().decode_with_indexes(string, [0] * 8, *TABLES)
    assert not seen.agree()
    with watch_coders() as seen:
        ans.RansEncoder().encode_with_indexes([1] * 9, [0] * 9, *TABLES)
    assert not seen.agree()
    with watch_coders() as seen:
        pass
    assert not seen.agree()


def test_the_coders_are_as_before_also_after_an_error() -> None:
    names = [(ans.RansEncoder, "encode_with_indexes"), (ans.RansDecoder, "decode_stream"), (rans.Decoder, "get")]
    before = [getattr(coder, name) for coder, name in names]
    with pytest.raises(KeyError), watch_coders():
        raise KeyError
    assert [getattr(coder, name) for coder, name in names] == before
