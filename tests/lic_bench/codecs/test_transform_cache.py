from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from compressai.models import MeanScaleHyperprior
from torch import Tensor, nn

from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.transform_cache import TransformCache
from lic_bench.spec import Padding

IMAGE = torch.rand(1, 3, 64, 128, generator=torch.Generator().manual_seed(1))


def network(seed: int = 0) -> MeanScaleHyperprior:
    """A small one whose latents are not all zero."""
    torch.manual_seed(seed)
    made = MeanScaleHyperprior(N=8, M=12).eval()
    with torch.no_grad():
        made.g_a[-1].weight.mul_(20)
    made.update(force=True)
    return made


def counted(network: nn.Module, names: tuple[str, ...] = ("g_a", "h_a", "h_s", "g_s")) -> Counter[str]:
    """How often the first layer of each transform computes from now on."""
    calls: Counter[str] = Counter()

    def count_as(name: str) -> Callable[..., None]:
        return lambda *_: calls.update([name])

    for name in names:
        getattr(network, name)[0].register_forward_hook(count_as(name))
    return calls


def coded(
    encoder: MeanScaleHyperprior, decoder: MeanScaleHyperprior, x: Tensor = IMAGE
) -> tuple[NetworkCodec, TransformCache]:
    """The encoder's side after the decoder has decoded, and the calls of both."""
    sides = [NetworkCodec(module, Padding(multiple=64)) for module in (encoder, decoder)]
    calls = TransformCache()
    with calls.keep_outputs(encoder):
        bits = sides[0].compress(x)
    with calls.keep_outputs(decoder):
        sides[1].decompress(bits)
    return sides[0], calls


@pytest.mark.parametrize("size", [(64, 128), (40, 70)])
def test_the_encoders_side_is_the_same_and_computes_no_transform_again(size: tuple[int, int]) -> None:
    x = IMAGE[..., : size[0], : size[1]]
    encoder = network()
    side, calls = coded(encoder, network(), x)
    expected, bpp = side.estimate(x)
    computed = counted(encoder)
    x_hat, again = side.estimate(x, calls)
    assert torch.allclose(x_hat, expected, atol=1e-6)  # h_s may round otherwise for another memory layout of z_hat
    assert again == pytest.approx(bpp, rel=1e-6)
    assert not computed
    assert "forward" not in encoder.g_a.__dict__


def test_another_image_is_computed() -> None:
    encoder = network()
    side, calls = coded(encoder, network())
    other = IMAGE.flip(-1)
    expected = side.estimate(other)[0]
    computed = counted(encoder)
    assert torch.equal(side.estimate(other, calls)[0], expected)
    assert computed.keys() >= {"g_a", "h_a", "g_s"}  # z_hat may be the same


def test_a_decoder_with_another_g_s_lends_nothing() -> None:
    encoder, decoder = network(), network()
    with torch.no_grad():
        decoder.g_s[-1].bias.add_(0.25)
    side, calls = coded(encoder, decoder)
    expected = side.estimate(IMAGE)[0]
    computed = counted(encoder)
    assert torch.allclose(side.estimate(IMAGE, calls)[0], expected, atol=1e-6)
    assert computed == {"g_s": 1}


def test_a_decoder_that_came_to_another_y_hat_lends_nothing() -> None:
    encoder, decoder = network(), network()
    decoder.g_s.register_forward_pre_hook(lambda _, inputs: (inputs[0] + 1,))  # past the entropy decoder
    inner = decoder.gaussian_conditional.decompress
    decoder.gaussian_conditional.decompress = lambda *given, **named: inner(*given, **named) + 1
    side, calls = coded(encoder, decoder)
    expected = side.estimate(IMAGE)[0]
    computed = counted(encoder)
    assert torch.allclose(side.estimate(IMAGE, calls)[0], expected, atol=1e-6)
    assert computed == {"g_s": 1}


class Writes(nn.Module):
    """Its transform writes into what it is given, and its caller into what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.g_a = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.g_a(x)
        return y.mul_(2)


def test_what_is_written_into_afterwards_was_kept_before() -> None:
    module, calls = Writes(), TransformCache()
    x = torch.tensor([-1.0, 3.0])
    with calls.keep_outputs(module):
        module(x.clone())
    for _ in range(2):
        with calls.reuse_outputs(module):
            assert module(x.clone()).tolist() == [0.0, 6.0]


def test_not_a_number_is_computed_again() -> None:
    module, calls = Writes(), TransformCache()
    x = torch.tensor([float("nan")])
    computed: list[Any] = []
    module.g_a.register_forward_hook(lambda *given: computed.append(given))
    plain = module.g_a.forward
    module.g_a.__dict__["forward"] = lambda *given: (computed.append(given), plain(*given))[1]
    with calls.keep_outputs(module):
        module(x.clone())
    before = len(computed)
    with calls.reuse_outputs(module):
        module(x.clone())
    assert len(computed) == 2 * before
    assert "forward" in module.g_a.__dict__
