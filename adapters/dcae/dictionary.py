"""Attention to a learned dictionary, by which DCAE predicts a slice of y (Lu et al., CVPR 2025, section 3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.dcae.transforms import GatedPerceptron, ShortcutScale


class WideStep(nn.Module):
    """1x1, depthwise 3x3 and 1x1 convolutions, a GELU before each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_trans = nn.Conv2d(width, width, 1)
        self.dw_conv = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.out_trans = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        return self.out_trans(F.gelu(self.dw_conv(F.gelu(self.in_trans(F.gelu(x))))))


class Scales(nn.Module):
    """What goes in and three steps, each of the one before and so of more neighbours, projected together."""

    def __init__(self, width: int, steps: int = 3) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList(nn.ModuleDict({"1": WideStep(width)}) for _ in range(steps))
        self.proj = nn.Conv2d((steps + 1) * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        seen = [x]
        for step in self.conv_layers:
            seen.append(step["1"](seen[-1]))
        return self.proj(torch.cat(seen, 1))


class SpatialGate(nn.Module):
    """The map times the sigmoid of a 7x7 convolution of its channels' mean and maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, h, w]."""
        return x * torch.sigmoid(self.conv1(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))


class MultiScale(nn.Module):
    """Multi-scale features of a channels-last map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.s = nn.Conv2d(width, width, 1)
        self.spatial_atte = SpatialGate()
        self.dense = Scales(width)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, h, w, width]."""
        return self.spatial_atte(self.dense(self.s(x.permute(0, 3, 1, 2)))).permute(0, 2, 3, 1)


class DictionaryAttention(nn.Module):
    """Every position asks the dictionary, whose normalised entries are also the values; a factor for each head."""

    def __init__(self, inputs: int, width: int, head_width: int, outputs: int) -> None:
        super().__init__()
        self.heads = width // head_width
        self.scale = nn.Parameter(torch.ones(self.heads, 1, 1))
        self.x_trans = nn.Linear(inputs, width)
        self.ln_scale = nn.LayerNorm(width)
        self.msa = MultiScale(width)
        self.lnx = nn.LayerNorm(width)
        self.q_trans = nn.Linear(width, width)
        self.dict_ln = nn.LayerNorm(width)
        self.k = nn.Linear(width, width)
        self.linear = nn.Linear(width, width)
        self.ln_mlp = nn.LayerNorm(width)
        self.mlp = GatedPerceptron(width)
        self.output_trans = nn.Sequential(nn.Linear(width, outputs))
        self.res_scale_1 = ShortcutScale(width)
        self.res_scale_2 = ShortcutScale(width)
        self.res_scale_3 = ShortcutScale(width)

    def forward(self, x: Tensor, dictionary: Tensor) -> Tensor:
        """x [B, inputs, h, w], dictionary [entries, width] -> [B, outputs, h, w]."""
        tokens = self.x_trans(x.permute(0, 2, 3, 1))
        tokens = self.msa(self.ln_scale(tokens)) + self.res_scale_1(tokens)
        tokens = self.linear(self._ask(self.lnx(tokens), dictionary)) + self.res_scale_2(tokens)
        tokens = self.mlp(self.ln_mlp(tokens)) + self.res_scale_3(tokens)
        return self.output_trans(tokens).permute(0, 3, 1, 2)

    def _ask(self, tokens: Tensor, dictionary: Tensor) -> Tensor:
        entries = self.dict_ln(dictionary)
        query = self.q_trans(tokens).flatten(1, 2).unflatten(2, (self.heads, -1)).transpose(1, 2)
        key, value = (each.unflatten(1, (self.heads, -1)).transpose(0, 1)[None] for each in (self.k(entries), entries))
        batch = len(tokens)
        key, value = (each.expand(batch, -1, -1, -1) for each in (key * self.scale, value))
        seen = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return seen.transpose(1, 2).flatten(2).view_as(tokens)
