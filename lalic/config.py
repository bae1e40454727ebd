"""The sizes and variants of a LALIC network; the defaults are the released one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Context = Literal["rwkv", "conv", "conv-plus"]
Attention = Literal["biwkv", "aft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LalicConfig:
    """Widths, depths and variants of LALIC; `lalic.ablations` names the paper's variants.

    widths: channels after each of the four stride-2 convolutions of g_a; the last is that of y.
    depths: Bi-RWKV blocks after each of the first three.
    hyper_widths: channels after the two stride-2 convolutions of h_a; the last is that of z.
    hyper_depth: Bi-RWKV blocks between those two.
    groups: channels of y coded together, in coding order; their sum is the width of y.
    hidden_ratio, context_ratio: hidden width of ChannelMix over its width, in the transforms and the channel context.
    aggregation_range: least and largest inner width of the parameter aggregation.
    channel_floor: least inner width of the channel context, for the convolutional context models.
    context: "rwkv"; "conv", that of ELIC; "conv-plus", deeper and wider (`lalic.conv_context`).
    attention, shift: SpatialMix's attention, and whether Omni-Shift comes before SpatialMix and ChannelMix. Both are of
        the four transforms; the blocks of the context model always have BiWKV and Omni-Shift.
    """

    widths: tuple[int, ...] = (96, 144, 256, 320)
    depths: tuple[int, ...] = (2, 4, 6)
    hyper_widths: tuple[int, ...] = (256, 192)
    hyper_depth: int = 6
    groups: tuple[int, ...] = (16, 16, 32, 64, 192)
    hidden_ratio: int = 4
    context_ratio: int = 8
    aggregation_range: tuple[int, int] = (256, 853)
    channel_floor: int = 128
    context: Context = "rwkv"
    attention: Attention = "biwkv"
    shift: bool = True

    def __post_init__(self) -> None:
        if len(self.widths) != 4 or len(self.depths) != 3 or len(self.hyper_widths) != 2:
            lengths = f"{len(self.widths)}, {len(self.depths)} and {len(self.hyper_widths)}"
            raise ValueError(f"widths, depths and hyper_widths have {lengths} entries; LALIC has 4, 3 and 2.")
        if min(self.depths) < 1 or self.hyper_depth < 1 or len(self.groups) < 2:
            raise ValueError(
                f"depths {self.depths}, hyper_depth {self.hyper_depth} and groups {self.groups}: at least one block in "
                "each place and two groups."
            )
        if sum(self.groups) != self.widths[-1]:
            raise ValueError(f"groups {self.groups} add up to {sum(self.groups)}; y has {self.widths[-1]} channels.")
        allowed = {"context": get_args(Context), "attention": get_args(Attention), "shift": (True, False)}
        for name, values in allowed.items():
            if (came := getattr(self, name)) not in values:
                raise ValueError(f"{name} is {came!r}; allowed are {', '.join(map(repr, values))}.")


# lalic-small, the network that was trained for this bench on a CPU.
SMALL = LalicConfig(
    widths=(24, 48, 96, 128),
    depths=(1, 1, 2),
    hyper_widths=(32, 24),
    hyper_depth=1,
    groups=(32, 40, 56),
    hidden_ratio=2,
    context_ratio=1,
    aggregation_range=(88, 88),
)
