"""Minnen2020, also known as ChARM: channel-wise autoregressive entropy model with latent residual prediction."""

from adapters.shared.phases import channelwise
from lic_bench.spec import CodecSpec, Padding

SPEC = CodecSpec(
    name="minnen2020",
    label="Minnen2020",
    kind="learned",
    load="adapters.minnen2020.model:build",
    small="adapters.minnen2020.model:small",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    aliases=("charm",),
    paper="Minnen and Singh, Channel-wise Autoregressive Entropy Models for Learned Image Compression, ICIP 2020, "
    "arXiv:2007.08739",
    source="https://github.com/tensorflow/compression@dda8cb4c43 (another framework; written here after the paper)",
    licence="MIT (this project's own code)",
    padding=Padding(multiple=64, place="corner"),
    entropy_coder="rans",
    coding_passes=True,
    phases=channelwise(attention=False),
    published="minnen2020",
    fills="Table 1, row Minnen20: BD-rate from published points; times, memory and FLOPs of the original network, "
    "which is larger than the one in the table",
    notes=(
        "10 slices, each looks at the first five, N=192, M=320. No PyTorch weights are published. thop counts "
        "318.46 G MACs and 113.75 M parameters at 768x512; the LALIC paper prints 208.95 G and 41.77 M, of an "
        "implementation it does not name; no plain choice of kernels and widths that was tried gives both."
    ),
)
