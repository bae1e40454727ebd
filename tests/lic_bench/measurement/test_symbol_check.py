"""Networks whose latents are not finite, with CompressAI's entropy models: a failure, where it was a hang."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from compressai import ans
from compressai.models import JointAutoregressiveHierarchicalPriors as Autoregressive
from compressai.models import MeanScaleHyperprior
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from adapters.elic.model import small as elic_small
from lic_bench.codecs.entropy_models import use_coder
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.symbol_check import ENCODERS, LARGEST, checked_symbols
from lic_bench.spec import Coder

TABLES = ([[0, 1 << 15, 1 << 16]], [3], [0])  # one distribution of one symbol, and the escape


@pytest.mark.parametrize("coder", ["native", "compressai"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e38])
@pytest.mark.parametrize("make", [partial(MeanScaleHyperprior, 8, 12), partial(Autoregressive, 8, 12), elic_small])
def test_latents_that_are_not_finite_never_reach_the_coder(
    make: Callable[[], nn.Module], value: float, coder: Coder
) -> None:
    torch.manual_seed(0)
    module = make().eval()
    module.update(force=True)
    use_coder(module, coder)
    with torch.no_grad():
        next(module.g_a.parameters()).flatten()[0] = value
    with (
        torch.no_grad(),
        checked_symbols(),
        pytest.raises(CodecFailure, match=r"NaN or infinite values: -?[0-9]+ in its"),
    ):
        module.compress(torch.rand(1, 3, 64, 64))


@given(
    st.lists(st.integers(-LARGEST, LARGEST), min_size=16, max_size=20)
)  # of a few, the coder has no room for its end
def test_symbols_in_range_are_coded_as_without_a_check(symbols: list[int]) -> None:
    plain = ans.RansEncoder().encode_with_indexes(symbols, [0] * len(symbols), *TABLES)
    with checked_symbols():
        assert ans.RansEncoder().encode_with_indexes(symbols, [0] * len(symbols), *TABLES) == plain
        buffered = ans.BufferedRansEncoder()
        buffered.encode_with_indexes(symbols, [0] * len(symbols), *TABLES)
        assert buffered.flush() == plain
    assert ans.RansDecoder().decode_with_indexes(plain, [0] * len(symbols), *TABLES) == symbols


@given(st.integers(LARGEST + 1, 2**31 - 1), st.sampled_from([-1, 1]), st.sampled_from([*ENCODERS.items()]))
def test_symbols_beyond_it_are_a_failure(size: int, sign: int, known: tuple[tuple[type, str], str]) -> None:
    (encoder, method), coder = known
    symbols, indexes = [0, sign * size, 1], [0, 0, 0]
    given_them = (symbols, indexes, *TABLES) if coder == "compressai" else (torch.tensor(symbols), indexes, None)
    with checked_symbols() as seen, pytest.raises(CodecFailure, match=str(sign * size)):
        getattr(encoder(), method)(*given_them)
    assert seen == {coder}


def test_outside_nothing_is_checked() -> None:
    before = [getattr(encoder, method) for encoder, method in ENCODERS]
    with checked_symbols() as seen:
        assert [getattr(encoder, method) for encoder, method in ENCODERS] != before
    assert seen == set()
    assert [getattr(encoder, method) for encoder, method in ENCODERS] == before
