"""Cheng2020-Parallel: the anchor network of Cheng et al. with a checkerboard instead of a serial context."""

from lic_bench.spec import CodecSpec, Padding

SPEC = CodecSpec(
    name="cheng2020-parallel",
    label="Cheng20-Parallel",
    kind="learned",
    load="adapters.cheng2020_parallel.model:build",
    small="adapters.cheng2020_parallel.model:small",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    paper="He et al., CVPR 2021, arXiv:2103.15306 (context); Cheng et al., CVPR 2020, arXiv:2001.01568 (transforms)",
    source="https://github.com/InterDigitalInc/CompressAI@1.2.8 (Cheng2020AnchorCheckerboard)",
    licence="BSD-3-Clause-Clear (CompressAI)",
    padding=Padding(multiple=64, place="corner"),
    phases={
        **{name: (name,) for name in ("g_a", "g_s")},
        **{name: (f"latent_codec.hyper.{name}",) for name in ("h_a", "h_s")},
        "context": ("latent_codec.y.compress", "latent_codec.y.decompress"),
    },
    entropy_coder="rans",
    published="cheng2020-parallel",
    fills="Table 1, row Cheng20-Parallel: times, memory, FLOPs, parameters; BD-rate from the published points",
    notes=(
        "N=192. No weights are published: latency and complexity are measured, rate-distortion is the papers'. thop "
        "counts 24.52 M parameters, as the LALIC paper prints, and 365.4 G MACs at 768x512, where it prints 369.70."
    ),
)
