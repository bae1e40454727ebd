"""ELIC: the public re-implementation, which has weights, and the network nearer to the paper, which has none."""

from lic_bench.spec import Checkpoint, CodecSpec, Padding, drive_link

REPOSITORY = "https://github.com/VincentChandelier/ELiC-ReImplemetation"

# lambda, and the id of ELIC_<lambda x 10^4>_ft_3980_Plateau.pth.tar. The labels in the repository's README are ten
# times these, in every line. For the file names speak the paper's lambdas, {4, 8, 16, 32, 75, 150, 300, 450} x 10^-4,
# and the curve of these files that the LALIC paper draws on Tecnick: bpp gained per MSE lost between neighbours is 1.4
# times the mean of their lambdas, as on LALIC's own curve (1.3); with the labels 0.016 and 0.032 it were 0.14 times.
WEIGHTS = (
    (0.0004, "1YGVJ9bpeEq0xfqka2xkaMzhDkeYFJi6q"),
    (0.0008, "1VNE7rx-rBFLnNFkz56Zc-cPr6xrBBJdL"),
    (0.0016, "1MWlYAmpHbWlGtG7MBBTPEew800grY5yC"),
    (0.0032, "1Moody9IR8CuAGwLCZ_ZMTfZXT0ehQhqc"),
    (0.0150, "1s544Uxv0gBY3WvKBcGNb3Fb22zfmd9PL"),
    (0.0450, "1uuKQJiozcBfgGMJ8CfM6lrXOZWv6RUDN"),
)
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
        checkpoints={
            quality: Checkpoint(
                file=f"ELIC_{round(lmbda * 1e4):04}_ft_3980_Plateau.pth.tar",
                lmbda=lmbda,
                url=drive_link(drive_id),
            )
            for quality, (lmbda, drive_id) in enumerate(WEIGHTS, start=1)
        },
        phases=PHASES,
        entropy_coder="rans",
        published="elic",
        fills="Table 1, row ELIC: times, memory; FLOPs, parameters and BD-rate of this network instead of the paper's; "
        "Table 4, row ELIC: BD-rate",
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
        entropy_coder="rans",
        fills="Table 1, row ELIC: times, memory; FLOPs and parameters of this network instead of the paper's",
        notes="Its channel context reads all earlier slices, as in the paper; no weights are published. thop counts "
        "321.98 G MACs and 29.94 M parameters at 768x512. " + PRINTED + LEFT_OUT,
    ),
)
