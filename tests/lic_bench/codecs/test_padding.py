import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.codecs.padding import crop, pad, padding_margins
from lic_bench.spec import Padding


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([1, 64, 128]), st.sampled_from(["centre", "corner"]))
def test_padding_reaches_the_multiple_and_crops_back(height: int, width: int, multiple: int, place: str) -> None:
    padding = Padding(multiple=multiple, place=place)
    left, right, top, bottom = padding_margins(height, width, padding)
    assert (height + top + bottom) % multiple == 0
    assert (width + left + right) % multiple == 0
    assert max(left + right, top + bottom) < multiple
    x = torch.ones(1, 1, height, width)
    assert torch.equal(crop(pad(x, padding), height, width, padding), x)
    assert pad(x, padding).sum() == height * width


def test_where_the_image_lies() -> None:
    assert padding_margins(5, 5, Padding(multiple=8, place="corner")) == (0, 3, 0, 3)
    assert padding_margins(5, 5, Padding(multiple=8, place="centre")) == (1, 2, 1, 2)


def test_the_edge_may_be_repeated() -> None:
    x = torch.arange(6.0).view(1, 1, 2, 3)
    padded = pad(x, Padding(multiple=4, place="corner", fill="edge"))
    assert padded[0, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]


@pytest.mark.parametrize("fill", ["zeros", "edge"])
@pytest.mark.parametrize("multiple", [64, 100])
def test_a_network_may_write_into_what_it_gets(multiple: int, fill: str) -> None:
    x = torch.zeros(1, 3, 128, 256)
    pad(x, Padding(multiple=multiple, fill=fill)).add_(1)
    assert not x.any()


@pytest.mark.parametrize(("size", "padded"), [(1200, 1216), (1201, 1216), (64, 64)])
def test_tecnick_sizes(size: int, padded: int) -> None:
    assert pad(torch.zeros(1, 3, size, size), Padding(multiple=64)).shape[-1] == padded
