"""The Bi-RWKV block (LALIC, arXiv:2502.05741, section 3.2): SpatialMix and ChannelMix, each behind an Omni-Shift.

Inside a block features are tokens, [B, T, C] with T = H * W in row-major order; as an image they are the same memory
in channels-last order, so going from one to the other costs nothing.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lalic.biwkv import biwkv, forward_mode
from lalic.config import Attention
from lalic.depthwise import depthwise, depthwise_for_inference
from lalic.pointwise import gate, gate_, residual, squared_relu, squared_relu_
from lalic.tokens import Size, to_image, to_tokens


def gated(receptance: Tensor, x: Tensor) -> Tensor:
    """sigmoid(receptance) * x; without gradients in the memory of the receptance, which is lost to hooks too."""
    if _differentiated(receptance, x) or receptance.dtype != x.dtype:
        return gate(receptance, x)
    gate_(receptance, x)
    return receptance


def _differentiated(*tensors: Tensor) -> bool:
    return forward_mode() or any(t.requires_grad for t in tensors)


class OmniShift(nn.Module):
    """Depthwise 5x5 shift: alpha0 * x + alpha1 * dw1x1(x) + alpha2 * dw3x3(x) + alpha3 * dw5x5(x), zero padding.

    The four branches are linear, so they are merged into one 5x5 kernel. Without gradients the merged kernel is kept
    until a branch changes, moves or changes type. Only writing through `parameter.data` goes unnoticed: call
    `train()` or `eval()` afterwards.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([0.4, 0.2, 0.2, 0.2]))
        self.kernel1 = nn.Parameter(torch.empty(width, 1, 1, 1))
        self.kernel3 = nn.Parameter(torch.empty(width, 1, 3, 3))
        self.kernel5 = nn.Parameter(torch.empty(width, 1, 5, 5))
        for kernel in (self.kernel1, self.kernel3, self.kernel5):
            nn.init.kaiming_uniform_(kernel, a=5**0.5)
        # A module of its own, so that counters which hook modules see the convolution (but for bfloat16 on a CPU); its
        # weight is derived.
        self.merged = nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)
        del self.merged.weight
        self.merged.register_buffer("weight", torch.empty(width, 1, 5, 5), persistent=False)
        self._merged_from: tuple[Any, ...] | None = None

    def forward(self, tokens: Tensor, size: Size) -> Tensor:
        """tokens [B, T, C] -> [B, T, C]."""
        if torch.is_grad_enabled():
            return depthwise(tokens, size, self.merged_kernel())
        self._refresh()
        if tokens.dtype == torch.bfloat16 and tokens.device.type == "cpu":
            return depthwise_for_inference(tokens, size, self.merged.weight)
        return to_tokens(self.merged(to_image(tokens, size)))

    def merged_kernel(self) -> Tensor:
        """The one 5x5 kernel [C, 1, 5, 5] that equals the sum of the branches; rounded once where they are bfloat16."""
        given = self.alpha.dtype
        wide = torch.promote_types(given, torch.float32)
        alpha, one, three, five = (p.to(wide) for p in (self.alpha, self.kernel1, self.kernel3, self.kernel5))
        kernel = alpha[3] * five + F.pad(alpha[2] * three, (1, 1, 1, 1))
        return (kernel + F.pad(alpha[0] + alpha[1] * one, (2, 2, 2, 2))).to(given)

    def train(self, mode: bool = True) -> OmniShift:
        """As nn.Module.train; forgets the merged kernel."""
        self._merged_from = None
        return super().train(mode)

    def _apply(self, *args: Any, **kwargs: Any) -> OmniShift:
        self._merged_from = None
        return super()._apply(*args, **kwargs)

    def _refresh(self) -> None:
        branches = (self.alpha, self.kernel1, self.kernel3, self.kernel5)
        tracked = not any(p.is_inference() for p in branches)  # inference tensors count no versions
        state = tuple((p._version, p.data_ptr()) for p in branches) if tracked else None
        if state is None or state != self._merged_from:
            with torch.inference_mode(False), torch.no_grad():
                self.merged.weight = self.merged_kernel()
            self._merged_from = state


class NoShift(nn.Module):
    """In the place of an Omni-Shift, for the ablation without it."""

    def forward(self, tokens: Tensor, size: Size) -> Tensor:
        """tokens [B, T, C], returned as they are."""
        return tokens


class BiWkv(nn.Module):
    """`biwkv` as a module, so that counters which go by modules name it."""

    def forward(self, w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """w, u: [C]; k, v: [B, T, C]. Returns [B, T, C]."""
        return biwkv(w, u, k, v)


class Aft(nn.Module):
    """AFT-simple, attention without positions (LALIC, eq. 5), for the ablation."""

    def forward(self, k: Tensor, v: Tensor) -> Tensor:
        """k, v: [B, T, C]. Returns sum(exp(k) * v) / sum(exp(k)) over the tokens, [B, 1, C]: the same for each."""
        return (torch.softmax(k, 1) * v).sum(1, keepdim=True)


class SpatialMix(nn.Module):
    """Global attention over all tokens, gated by the receptance. Only BiWKV has a decay and a boost."""

    def __init__(self, width: int, attention: Attention = "biwkv", shift: bool = True) -> None:
        super().__init__()
        biwkv_only = attention == "biwkv"
        self.decay = nn.Parameter(torch.linspace(-1, 1, width)) if biwkv_only else None
        self.boost = nn.Parameter(torch.zeros(width)) if biwkv_only else None
        self.shift = OmniShift(width) if shift else NoShift()
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.receptance = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.attention = BiWkv() if biwkv_only else Aft()

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """x [B, T, C] -> [B, T, C]."""
        x = self.shift(x, size)
        position = () if self.decay is None else (self.decay / x.shape[1], self.boost / x.shape[1])
        attended = self.attention(*position, self.key(x), self.value(x))
        return self.output(gated(self.receptance(x), attended))


class GatedMlp(nn.Module):
    """sigmoid(receptance(x)) * value(relu(key(x))^2), token by token, without biases."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, hidden, bias=False)
        self.receptance = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., C] -> [..., C]."""
        hidden = self.key(x)
        if _differentiated(hidden):
            hidden = squared_relu(hidden)
        else:
            squared_relu_(hidden)
        return gated(self.receptance(x), self.value(hidden))


class ChannelMix(nn.Module):
    """The gated MLP behind an Omni-Shift."""

    def __init__(self, width: int, hidden: int, shift: bool = True) -> None:
        super().__init__()
        self.shift = OmniShift(width) if shift else NoShift()
        self.mlp = GatedMlp(width, hidden)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """x [B, T, C] -> [B, T, C]."""
        return self.mlp(self.shift(x, size))


class BiRwkvBlock(nn.Module):
    """x + gamma1 * SpatialMix(norm1(x)), then x + gamma2 * ChannelMix(norm2(x)).

    Both mixes may be of a smaller type than the rest, `lower_mixes`: the sums keep theirs.
    """

    def __init__(self, width: int, hidden_ratio: int = 4, attention: Attention = "biwkv", shift: bool = True) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.spatial_mix = SpatialMix(width, attention, shift)
        self.gamma1 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.LayerNorm(width)
        self.channel_mix = ChannelMix(width, hidden_ratio * width, shift)
        self.gamma2 = nn.Parameter(torch.ones(width))

    def forward(self, image: Tensor) -> Tensor:
        """image [B, C, H, W] -> [B, C, H, W]."""
        size = (image.shape[2], image.shape[3])
        x = to_tokens(image).contiguous()  # no copy unless a convolution left another layout
        spatial, channel = self.spatial_mix, self.channel_mix
        x = residual(x, self.gamma1, spatial(self.norm1(x).to(spatial.output.weight.dtype), size))
        x = residual(x, self.gamma2, channel(self.norm2(x).to(channel.mlp.value.weight.dtype), size))
        return to_image(x, size)


def lower_mixes(transform: nn.Module, dtype: torch.dtype) -> None:
    """Convert the mixes of all blocks, so all matrix products; sums, norms and convolutions keep their type."""
    for block in transform.modules():
        if isinstance(block, BiRwkvBlock):
            block.spatial_mix.to(dtype)
            block.channel_mix.to(dtype)
