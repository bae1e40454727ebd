"""ELIC as the re-implementation behind the LALIC paper's figures has it."""

from lic_bench.spec import Checkpoint, CodecSpec, Padding

REPOSITORY = "https://github.com/VincentChandelier/ELiC-ReImplemetation"

SPEC = CodecSpec(
    name="elic",
    label="ELIC",
    kind="learned",
    load="adapters.elic.model:build",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    paper="He et al., ELIC: Efficient Learned Image Compression, CVPR 2022, arXiv:2203.10886",
    source=f"{REPOSITORY}@92a9ece, network from CompressAI 1.2.8 (Elic2022Chandelier)",
    licence="BSD-3-Clause-Clear (CompressAI)",
    padding=Padding(multiple=64, place="corner"),
    checkpoints={6: Checkpoint(file="ELIC_0450_ft_3980_Plateau.pth.tar", lmbda=0.045, url=REPOSITORY)},
    entropy_coder="rans (compressai)",
    published="elic",
    notes=(
        "The paper's authors published no code; these are VincentChandelier's network and keys. Its channel context "
        "reads the first and the latest slice only. thop counts 326.8 G MACs at 768x512; the LALIC paper prints 332.42."
    ),
)
