"""Attention in square windows, plain and shifted, as in the Swin transformer (Liu et al., ICCV 2021, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.shared.windows import merge, partition


class WindowAttention(nn.Module):
    """Every token attends to those of its side x side window.

    shifted: windows lie half a side further down and right, cyclically; what meets only by the wrapping is masked.
    """

    offsets: Tensor

    def __init__(self, width: int, head_width: int, side: int, *, shifted: bool) -> None:
        super().__init__()
        self.head_width, self.side, self.shifted = head_width, side, shifted
        self.relative_position_params = nn.Parameter(torch.empty(width // head_width, 2 * side - 1, 2 * side - 1))
        self.embedding_layer = nn.Linear(width, 3 * width)
        self.linear = nn.Linear(width, width)
        nn.init.trunc_normal_(self.relative_position_params, std=0.02)
        at = torch.cartesian_prod(torch.arange(side), torch.arange(side))
        self.register_buffer("offsets", at[:, None] - at[None] + side - 1, persistent=False)  # query minus key

    def forward(self, x: Tensor) -> Tensor:
        """x [B, H, W, width], H and W multiples of the side."""
        _, height, width, _ = x.shape
        shift = self.side // 2 if self.shifted else 0
        if shift:
            x = x.roll((-shift, -shift), (1, 2))
        heads = self.embedding_layer(partition(x, self.side, self.side)).unflatten(2, (3, -1, self.head_width))
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each [windows, heads, tokens, head width]
        seen = self._attend(query, key, value, height // self.side, width // self.side)
        out = merge(self.linear(seen.transpose(1, 2).flatten(2)), self.side, self.side, height, width)
        return out.roll((shift, shift), (1, 2)) if shift else out

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, down: int, across: int) -> Tensor:
        bias = self.relative_position_params[:, self.offsets[..., 0], self.offsets[..., 1]]  # [heads, tokens, tokens]
        if not self.shifted:
            return F.scaled_dot_product_attention(query, key, value, attn_mask=bias[None])
        out = torch.empty_like(query).unflatten(0, (-1, down, across))
        parts = [x.unflatten(0, (-1, down, across)) for x in (query, key, value)]
        for rows, cols, mask in self._regions(bias, down, across):
            region = [x[:, rows, cols].flatten(0, 2) for x in parts]
            attended = F.scaled_dot_product_attention(*region, attn_mask=mask[None])
            out[:, rows, cols] = attended.view_as(out[:, rows, cols])
        return out.flatten(0, 2)

    def _regions(self, bias: Tensor, down: int, across: int) -> Iterator[tuple[slice, slice, Tensor]]:
        """Rows and columns of windows with their biases: the inner windows, the last row, the last column, the corner.

        By region, because a mask for every window would be as large as all the logits.
        """
        upper = torch.arange(self.side, device=bias.device) < self.side - self.side // 2
        apart = upper[:, None] != upper[None]
        by_row = apart.repeat_interleave(self.side, 0).repeat_interleave(self.side, 1)
        by_col = apart.repeat(self.side, self.side)
        for rows, last_row in ((slice(0, down - 1), False), (slice(down - 1, down), True)):
            for cols, last_col in ((slice(0, across - 1), False), (slice(across - 1, across), True)):
                if rows.start < rows.stop and cols.start < cols.stop:
                    hidden = by_row & last_row | by_col & last_col
                    yield rows, cols, bias.masked_fill(hidden, float("-inf"))


class TransformerBlock(nn.Module):
    """Window attention and a two-layer perceptron, each after a normalisation and beside an identity."""

    def __init__(self, width: int, head_width: int, side: int, *, shifted: bool) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(width)
        self.msa = WindowAttention(width, head_width, side, shifted=shifted)
        self.ln2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, H, W, width], H and W multiples of the window's side."""
        x = x + self.msa(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class ResidualUnit(nn.Module):
    """The bottleneck of CompressAI's AttentionBlock (Cheng et al., CVPR 2020, figure 5)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(width, width // 2, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width // 2, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        return F.relu_(self.conv(x) + x)


class WindowPair(nn.Module):
    """A plain and a shifted TransformerBlock on an image."""

    def __init__(self, width: int, head_width: int, side: int) -> None:
        super().__init__()
        self.block_1 = TransformerBlock(width, head_width, side, shifted=False)
        self.block_2 = TransformerBlock(width, head_width, side, shifted=True)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        return self.block_2(self.block_1(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2).contiguous()


class SwinAttention(nn.Module):
    """SWAtten: a gate computed by window attention, inside a narrow waist (Liu et al., CVPR 2023, figure 4)."""

    def __init__(self, width: int, inner: int, head_width: int, side: int = 8) -> None:
        super().__init__()
        self.conv_a = nn.Sequential(*(ResidualUnit(inner) for _ in range(3)))
        self.conv_b = nn.Sequential(*(ResidualUnit(inner) for _ in range(3)), nn.Conv2d(inner, inner, 1))
        self.non_local_block = WindowPair(inner, head_width, side)
        self.in_conv = nn.Conv2d(width, inner, 1)
        self.out_conv = nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w], h and w multiples of the window's side."""
        x = self.in_conv(x)
        gate = torch.sigmoid(self.conv_b(self.non_local_block(x)))
        return self.out_conv(x + self.conv_a(x) * gate)
