"""Shapes that a container declares, against the size of its picture; and that nothing is decoded before."""

from typing import Any

import pytest
import torch
from compressai.models import FactorizedPrior, MeanScaleHyperprior
from torch import nn

from lic_bench.codec import Bitstream
from lic_bench.codecs.declared_shape import check_shape
from lic_bench.codecs.header_bytes import read_tree, write_tree
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.spec import Padding

X = torch.rand(1, 3, 70, 100, generator=torch.Generator().manual_seed(0))


def codec(network: nn.Module, multiple: int) -> NetworkCodec:
    network.update()
    return NetworkCodec(network.eval(), Padding(multiple=multiple))


@pytest.mark.parametrize(
    ("network", "multiple"),
    [(MeanScaleHyperprior(8, 12), 64), (MeanScaleHyperprior(8, 12), 128), (FactorizedPrior(8, 12), 16)],
    ids=["hyperprior", "padded to more", "no hyperprior"],
)
def test_a_shape_of_sixteen_pictures_is_refused_before_it_is_decoded(network: nn.Module, multiple: int) -> None:
    used = codec(network, multiple)
    bits = used.compress(X)
    assert used.decompress(bits).shape == X.shape
    tree, _ = read_tree(bits.header, 0)
    tree[2] = [4 * side for side in tree[2]]
    header = bytearray()
    write_tree(header, tree)
    network.decompress = None  # type: ignore[assignment,method-assign]  # nobody may call it
    with pytest.raises(ValueError, match=r"declares a latent of shape .*, too large for a picture of"):
        used.decompress(Bitstream(bits.payload, bytes(header)))


class Fine(nn.Module):
    """Its latents are as large as the picture, and inside each other."""

    def compress(self, x: torch.Tensor) -> dict[str, Any]:
        return {"strings": [], "shape": {"y": [tuple(x.shape[-2:]), [4, *x.shape[-2:]]], "z": 3}}


def test_a_network_with_large_latents_is_asked() -> None:
    check_shape({"y": [[64, 32], [4, 64, 32]], "z": 3}, 64, 32, Fine(), 16)
    with pytest.raises(ValueError, match="too large for a picture of 32x64"):
        check_shape({"y": [[256, 128], [4, 64, 32]], "z": 3}, 64, 32, Fine(), 16)


def test_what_is_no_pair_of_sides_may_be_anything() -> None:
    check_shape({"y": [[64, 32], [900, 64, 32]], "z": 10**9}, 64, 32, Fine(), 16)


class Mute(nn.Module):
    """It codes no picture so small."""

    def compress(self, x: torch.Tensor) -> dict[str, Any]:
        raise RuntimeError("padding size should be less than the input")


def test_a_network_that_cannot_tell_is_not_judged() -> None:
    check_shape([64, 32], 64, 32, Mute(), 1)


def test_what_this_process_wrote_needs_no_question() -> None:
    used = codec(FactorizedPrior(8, 12), 16)
    bits = used.compress(X)
    used.module.compress = None  # nobody may call it, least of all while decoding is timed
    assert used.decompress(bits).shape == X.shape


def test_a_picture_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="declares a picture of 1000000x1000000"):
        check_shape([1, 1], 10**6, 10**6, Fine(), 16)
