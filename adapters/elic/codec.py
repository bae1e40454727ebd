"""ELIC: the public re-implementation, which has weights, and the network nearer to the paper, which has none."""

from lic_bench.spec import Checkpoint, CodecSpec, Padding

REPOSITORY = "https://github.com/VincentChandelier/ELiC-ReImplemetation"

PAPER = "He et al., ELIC: Efficient Learned Image Compression, CVPR 2022, arXiv:2203.10886"
PRINTED = (
    "The LALIC paper prints 332.42 G and 33.29 M: the parameters are those of Elic2022Official in CompressAI 1.2.6 and "
    "older (327.12 G), the MACs of no version."
)
LEFT_OUT = (
    " thop leaves out the checkerboard convolutions and the entropy bottleneck and takes transposed convolutions four "
    "times (98.12 G too much)."
)
SLICES = "latent_codec.y.latent_codec.y*"
PHASES = {
    **{name: (name,) for name in ("g_a", "g_s")},
    **{name: (f"latent_codec.hyper.{name}",) for name in ("h_a", "h_s")},
    "context *": ("latent_codec.y.channel_context.y*", f"{SLICES}.compress", f"{SLICES}.decompress"),
}

SPECS = (
    CodecSpec(
        name="elic",
        label="ELIC",
        kind="learned",
        load="adapters.elic.model:build",
        small="adapters.elic.model:small",
        qualities=(1, 2, 3, 4, 5, 6),
        quick_qualities=(3,),
        paper=PAPER,
        source=f"{REPOSITORY}@92a9ece, network from CompressAI 1.2.8 (Elic2022Chandelier)",
        licence="BSD-3-Clause-Clear (CompressAI)",
        padding=Padding(multiple=64, place="corner"),
        checkpoints={6: Checkpoint(file="ELIC_0450_ft_3980_Plateau.pth.tar", lmbda=0.045, url=REPOSITORY)},
        phases=PHASES,
        entropy_coder="rans (compressai)",
        published="elic",
        fills="Table 1, row ELIC: times, memory; FLOPs and parameters of this network instead of the paper's; BD-rate "
        "with the published points, as weights are released for one rate",
        notes="The paper's authors published no code; these are VincentChandelier's network and keys. Its channel "
        "context reads the first and the latest slice only. thop counts 326.78 G MACs and 31.66 M parameters at "
        "768x512. " + PRINTED + LEFT_OUT,
    ),
    CodecSpec(
        name="elic-official",
        label="ELIC-official",
        kind="learned",
        load="adapters.elic.model:build_official",
        small="adapters.elic.model:small_official",
        qualities=(1, 2, 3, 4, 5, 6),
        quick_qualities=(3,),
        paper=PAPER,
        source="https://github.com/InterDigitalInc/CompressAI@1.2.8 (Elic2022Official)",
        licence="BSD-3-Clause-Clear (CompressAI)",
        padding=Padding(multiple=64, place="corner"),
        phases=PHASES,
        entropy_coder="rans (compressai)",
        fills="Table 1, row ELIC: times, memory; FLOPs and parameters of this network instead of the paper's",
        notes="Its channel context reads all earlier slices, as in the paper; no weights are published. thop counts "
        "321.98 G MACs and 29.94 M parameters at 768x512. " + PRINTED + LEFT_OUT,
    ),
)
