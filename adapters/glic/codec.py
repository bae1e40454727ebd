"""GLIC, trained for MSE."""

from adapters.shared.phases import TRANSFORMS
from lic_bench.spec import CodecSpec, Padding, drive_checkpoints

REPOSITORY = "https://github.com/UnoC-727/GLIC"
# The links of the repository's README; the file names are ours.
WEIGHTS = (
    (0.0017, "1EILFR4sgP3M3Y93_CFhYIV_dRBBClYrz"),
    (0.0035, "1POZTZXK7-mjeoVgxTkfQkg7Eqtn3Tq17"),
    (0.0067, "1Yw1APsP7bhv_5uXNm4BOI44IDXedZwFJ"),
    (0.013, "1kJ2kkQmIJ-u8bEGMHNN4_dhP2QUySMzn"),
    (0.025, "1ju5E5MgZ4nXfB3xPamqej3Nt9c15qRtp"),
    (0.05, "1HzEQHAHz0FiTstYBl6VceJo5ukTrH5-s"),
)
CONTEXT = ("channel_context.*", "groups.*.context_prediction", "groups.*.entropy_parameters")

SPEC = CodecSpec(
    name="glic",
    label="GLIC",
    kind="learned",
    load="adapters.glic.model:build",
    small="adapters.glic.model:small",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    paper="GLIC, CVPR 2026, arXiv:2603.25316",
    source=f"{REPOSITORY}@d9cf865",
    licence="MIT",
    padding=Padding(multiple=128, place="corner", fill="edge"),
    checkpoints=drive_checkpoints("glic", WEIGHTS),
    entropy_coder="rans",
    coding_passes=True,
    phases={**TRANSFORMS, "h_s": ("h_s",), "context *": CONTEXT},
    published="glic",
    fills="no row of the LALIC paper's tables; every column of a row of its own, BD-rate with the released weights or "
    "the published points",
    notes=(
        "thop: 430.21 G MACs and 67.21 M parameters at 768x512; the operator counter: 469.40 G, 258.37 to encode and "
        "282.20 to decode. The authors' forward (thop: 484.00 G) aggregates every position in both passes (53.78 G "
        "more), their coding, as here, those of the pass. thop leaves out the attention and similarity products "
        "(36.24 G), the masked convolutions, the wavelets, the entropy bottleneck and all norms but LayerNorm, which "
        "it counts (0.47 G). In float32 a similarity near its threshold may fall on either side: between devices some "
        "edges of the graphs differ, and y at a few places. Every stream decodes, since the graphs are in g_a and g_s "
        "alone."
    ),
)
