"""The networks of the paper's ablations (LALIC, arXiv:2502.05741, section 4.4) with the figures it prints for them.

Lalic(ABLATIONS["aft-shift"].config)
"""

from __future__ import annotations

from dataclasses import dataclass

from lalic.config import LalicConfig

ATTENTION_OPERATIONS = {"aft": 7, "biwkv": 29}  # per token and channel, as the paper gives them (supplementary C)
SHIFT_OPERATIONS = 2 * 5 * 5  # two depthwise 5x5 convolutions


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """One row of one of the paper's tables; every figure is the printed one, at 768x512.

    parameters_m: 10^6 parameters. gmacs: 10^9 multiply-accumulates by thop (the column FLOPs/G).
    delta_gops: 10^9 operations of attention and shift alone (the column Delta FLOPs).
    loss: rate-distortion loss of a test; the paper says neither its images nor its lambda.
    bd_rate: on Kodak in percent, against Table 2's first row.
    """

    table: int
    label: str
    config: LalicConfig
    parameters_m: float
    gmacs: float | None = None
    delta_gops: float | None = None
    loss: float | None = None
    bd_rate: float | None = None


RELEASED = LalicConfig()
ABLATIONS: dict[str, Ablation] = {
    "2-2-2-2-conv": Ablation(
        table=2,
        label="2,2,2,2 Conv",
        config=LalicConfig(depths=(2, 2, 2), hyper_depth=2, context="conv"),
        parameters_m=27.61,
        gmacs=163.95,
        bd_rate=0.0,
    ),
    "2-4-6-2-conv": Ablation(
        table=2,
        label="2,4,6,2 Conv",
        config=LalicConfig(hyper_depth=2, context="conv"),
        parameters_m=35.64,
        gmacs=233.87,
        bd_rate=-2.50,
    ),
    "2-4-6-6-conv": Ablation(
        table=2,
        label="2,4,6,6 Conv",
        config=LalicConfig(context="conv"),
        parameters_m=42.57,
        gmacs=239.20,
        bd_rate=-1.68,
    ),
    "2-4-6-6-conv-plus": Ablation(
        table=2,
        label="2,4,6,6 Conv Plus",
        config=LalicConfig(context="conv-plus"),
        parameters_m=62.08,
        gmacs=304.23,
        bd_rate=-2.74,
    ),
    "2-4-6-6-rwkv": Ablation(
        table=2,
        label="2,4,6,6 RWKV",
        config=RELEASED,
        parameters_m=63.24,
        gmacs=286.16,
        bd_rate=-3.50,
    ),
    "aft": Ablation(
        table=3,
        label="AFT",
        config=LalicConfig(attention="aft", shift=False),
        parameters_m=62.83,
        delta_gops=0.6028,
        loss=0.5657,
    ),
    "aft-shift": Ablation(
        table=3,
        label="AFT+Shift",
        config=LalicConfig(attention="aft"),
        parameters_m=63.23,
        delta_gops=4.9085,
        loss=0.5604,
    ),
    "biwkv-shift": Ablation(
        table=3,
        label="BiWKV+Shift",
        config=RELEASED,
        parameters_m=63.24,
        delta_gops=6.8030,
        loss=0.5551,
    ),
}

# Table 5: the formula in L tokens of D channels, what it gives per token and channel, and what the paper prints.
OPERATIONS: dict[str, tuple[str, int, int]] = {
    "AFT": ("7LD", ATTENTION_OPERATIONS["aft"], 7),
    "AFT+Shift": ("7LD + 50LD", ATTENTION_OPERATIONS["aft"] + SHIFT_OPERATIONS, 57),
    "BiWKV+Shift": ("29LD + 50LD", ATTENTION_OPERATIONS["biwkv"] + SHIFT_OPERATIONS, 79),
    "Window Attention": ("2w²LD, w = 8", 2 * 8**2, 128),
    "Selective Scan": ("9NLD, N = 16", 9 * 16, 144),
    "Selective Scan 2D": ("4 x 9NLD, N = 16", 4 * 9 * 16, 576),
}


def operations(config: LalicConfig) -> int:
    """Operations of attention and shift per token and channel of a block of the transforms."""
    return ATTENTION_OPERATIONS[config.attention] + (SHIFT_OPERATIONS if config.shift else 0)
