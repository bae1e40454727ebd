from typing import Any

import pytest
import torch

from lic_bench.codec import Bitstream
from lic_bench.codecs.network_codec import NetworkCodec, strings_by_image
from lic_bench.spec import Padding


class Halves(torch.nn.Module):
    """Codes x as 4-bit values in nested strings; its likelihoods say 4 bits a value."""

    def compress(self, x: torch.Tensor) -> dict[str, Any]:
        levels = x.mul(15).round().to(torch.uint8)
        return {
            "strings": [[row.numpy().tobytes() for row in channel] for channel in levels[0]],
            "shape": {"y": tuple(x.shape), "hyper": torch.Size([3])},
        }

    def decompress(self, strings: list[list[bytes]], shape: dict[str, list[int]]) -> dict[str, torch.Tensor]:
        assert shape["hyper"] == [3]
        flat = b"".join(row for channel in strings for row in channel)
        return {"x_hat": torch.frombuffer(bytearray(flat), dtype=torch.uint8).reshape(shape["y"]).float() / 15 + 0.5}

    def forward(self, x: torch.Tensor) -> dict[str, Any]:
        return {"x_hat": x + 0.5, "likelihoods": {"y": torch.full_like(x, 2.0**-4)}}


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 8)])
def test_bytes_alone_give_the_image_back(size: tuple[int, int]) -> None:
    padding = Padding(multiple=8)
    x = torch.rand(1, 3, *size).mul(15).round() / 15
    bits = NetworkCodec(Halves(), padding).compress(x)
    x_hat = NetworkCodec(Halves(), padding).decompress(Bitstream(bytes(bits.payload), bytes(bits.header)))
    assert torch.allclose(x_hat, (x + 0.5).clamp(0, 1))
    assert len(bits.header) < 100
    padded = -(-size[0] // 8) * 8 * -(-size[1] // 8) * 8
    assert len(bits.payload) == 3 * padded


def test_a_decoder_with_other_kernels_refuses() -> None:
    padding, x = Padding(multiple=8), torch.rand(1, 3, 8, 8).mul(15).round() / 15
    fast, plain = NetworkCodec(Halves(), padding, "fast"), NetworkCodec(Halves(), padding)
    assert fast.decompress(fast.compress(x)).shape == x.shape
    with pytest.raises(ValueError, match="Coded with kernels 'fast'; this decoder has 'none' and would lose step"):
        plain.decompress(fast.compress(x))
    with pytest.raises(ValueError, match="Coded with kernels 'without a name'; this decoder has 'fast'"):
        fast.decompress(plain.compress(x))
    assert len(fast.compress(x).header) == len(plain.compress(x).header) + 1 + len("fast")


def test_the_estimate_counts_padded_values_over_original_pixels() -> None:
    x_hat, bpp = NetworkCodec(Halves(), Padding(multiple=8)).estimate(torch.zeros(1, 3, 4, 4))
    assert bpp == pytest.approx(4 * 3 * 64 / 16)
    assert x_hat.shape == (1, 3, 4, 4)


class Nested(torch.nn.Module):
    """Codes images to strings that its test chooses."""

    def __init__(self, strings: Any) -> None:
        super().__init__()
        self.strings = strings

    def compress(self, x: torch.Tensor) -> dict[str, Any]:
        return {"strings": self.strings, "shape": (1, 1)}


@pytest.mark.parametrize(
    ("strings", "expected"),
    [
        ([[b"a", b"bc"], [b"", b"d"]], [[b"a", b""], [b"bc", b"d"]]),
        ([[[b"a", b"b"], [b"c", b"d"]], [b"e", b"f"]], [[b"a", b"c", b"e"], [b"b", b"d", b"f"]]),
        ({"y": [b"a", b"b"], "z": []}, [[b"a"], [b"b"]]),
    ],
)
def test_the_strings_of_a_batch_belong_to_its_images(strings: Any, expected: list[list[bytes]]) -> None:
    bits = NetworkCodec(Nested(strings), Padding(multiple=8)).compress(torch.zeros(2, 3, 8, 8))
    assert strings_by_image(bits, 2) == expected


@pytest.mark.parametrize("strings", [[[b"ab"], [b"c", b"d"]], [b"a", b"b", b"c"], {"y": b"ab"}])
def test_a_string_that_images_share_is_noticed_in_a_batch_and_all_right_alone(strings: Any) -> None:
    codec = NetworkCodec(Nested(strings), Padding(multiple=8))
    bits = codec.compress(torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match="not kept apart by image"):
        strings_by_image(bits, 2)
    assert b"".join(strings_by_image(bits, 1)[0]) == bits.payload
