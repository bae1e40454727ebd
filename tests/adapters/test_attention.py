"""Window attention against a plain one that builds every window and mask by hand."""

import pytest
import torch

from adapters.shared.attention import SwinAttention, TransformerBlock, WindowAttention


def by_hand(layer: WindowAttention, x: torch.Tensor) -> torch.Tensor:
    """Every query of one image looks at every key; what it may not see is minus infinity."""
    _, height, width, channels = x.shape
    side, shift = layer.side, layer.side // 2 if layer.shifted else 0
    x = x.roll((-shift, -shift), (1, 2))
    row, col = (g.flatten() for g in torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"))
    window = (row // side) * (width // side) + col // side
    wrapped = (row >= height - shift).int() + 2 * (col >= width - shift).int()
    seen = (window[:, None] == window) & (wrapped[:, None] == wrapped)
    down, across = (at[:, None] - at + side - 1 for at in (row % side, col % side))
    heads = channels // layer.head_width
    q, k, v = layer.embedding_layer(x.reshape(-1, channels)).reshape(-1, 3, heads, layer.head_width).permute(1, 2, 0, 3)
    logits = q @ k.mT / layer.head_width**0.5 + layer.relative_position_params[:, down, across]
    out = logits.masked_fill(~seen, float("-inf")).softmax(-1) @ v
    out = layer.linear(out.transpose(0, 1).reshape(1, height, width, channels))
    return out.roll((shift, shift), (1, 2))


@torch.no_grad()
@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("size", [(4, 4), (4, 12), (8, 4), (12, 8)])
def test_window_attention_is_what_the_definition_says(size, shifted):
    torch.manual_seed(0)
    layer = WindowAttention(12, 3, 4, shifted=shifted).double()
    torch.nn.init.normal_(layer.relative_position_params)
    x = torch.randn(1, *size, 12, dtype=torch.float64)
    torch.testing.assert_close(layer(x), by_hand(layer, x), rtol=1e-12, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("shifted", [False, True])
def test_images_of_a_batch_do_not_see_each_other(shifted):
    layer = WindowAttention(8, 4, 4, shifted=shifted)
    x = torch.randn(3, 8, 12, 8)
    torch.testing.assert_close(layer(x), torch.cat([layer(image[None]) for image in x]))


@torch.no_grad()
def test_an_image_that_windows_do_not_tile_is_refused():
    with pytest.raises(ValueError, match="6x8 cannot be cut into windows of 4x4"):
        TransformerBlock(8, 4, 4, shifted=False)(torch.zeros(1, 6, 8, 8))


def test_gradients_reach_every_parameter():
    layer = SwinAttention(6, 8, 4, side=4)
    layer(torch.randn(2, 6, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())
