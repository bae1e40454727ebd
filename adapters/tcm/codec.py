"""TCM in the three sizes of the paper, N = 64, 96 and 128."""

from adapters.shared.phases import channelwise
from lic_bench.spec import Checkpoint, CodecSpec, Padding, drive_link

REPOSITORY = "https://github.com/jmliu206/LIC_TCM"
LAMBDAS = (0.0025, 0.0035, 0.0067, 0.013, 0.025, 0.05)
# The links of the repository's README; the file names are ours.
SMALL_IDS = (
    "1zpkW_MCkUWl8nRUlza0L7Fk7dXlXciZd",
    "1x2rfIQAv8RsjM3zEByDdOZJtEcPU5XZT",
    "17THA1IiPStSO6jG4h5clwkw0ySzgLZID",
    "1UbfQFsrr-Z6SrvZvpX4p1QPta5FCORZ5",
    "1rc4E2Rke1Jd8UnLq73NaXbfAdcBGGPKg",
    "1Quz6_jGJyaG6LMUbT4JuOhhQWxJN26Kh",
)
LARGE_ID = "1TK-CPiD2QwtWJqZoT_OyCtnxdQ7UNP56"
LEFT_OUT = (
    "thop leaves out GDN's parameters and products, the position biases, the entropy bottleneck and the attention "
    "products ({}); pictures with a side below 256 make the authors' code fail, here they are coded."
)


def _checkpoint(size: str, lmbda: float, drive_id: str) -> Checkpoint:
    return Checkpoint(file=f"tcm-{size}-{lmbda}.pth.tar", lmbda=lmbda, url=drive_link(drive_id))


def _spec(
    size: str, checkpoints: dict[int, Checkpoint], notes: str, fills: str = "", aliases: tuple[str, ...] = ()
) -> CodecSpec:
    return CodecSpec(
        name=f"tcm-{size}",
        label=f"TCM-{size}",
        kind="learned",
        load=f"adapters.tcm.model:build_{size}",
        small="adapters.tcm.model:small",
        qualities=(1, 2, 3, 4, 5, 6),
        quick_qualities=(3,),
        aliases=aliases,
        paper="Liu et al., Learned Image Compression with Mixed Transformer-CNN Architectures, CVPR 2023, "
        "arXiv:2303.14978",
        source=f"{REPOSITORY}@6c6d7a3",
        licence="MIT",
        padding=Padding(multiple=128, place="centre"),
        checkpoints=checkpoints,
        entropy_coder="rans",
        coding_passes=True,
        phases=channelwise(attention=True),
        published=f"tcm-{size}",
        fills=fills,
        notes=notes,
    )


SPECS = (
    _spec(
        "small",
        {
            quality: _checkpoint("small", lmbda, drive_id)
            for quality, (lmbda, drive_id) in enumerate(zip(LAMBDAS, SMALL_IDS, strict=True), start=1)
        },
        "N=64; thop: 211.37 G MACs, 44.97 M parameters at 768x512.",
        fills="no row of Table 1, which has the large one; every column of a row of its own",
    ),
    _spec(
        "middle",
        {},
        "N=96, no weights are released; thop: 415.96 G MACs, 58.73 M parameters at 768x512.",
        fills="no row of Table 1, which has the large one; BD-rate from the published points",
    ),
    _spec(
        "large",
        {6: _checkpoint("large", LAMBDAS[-1], LARGE_ID)},
        "N=128, released for the highest rate only. thop: 700.66 G MACs and 75.90 M parameters at 768x512, as the "
        "LALIC paper prints; the operator counter: 726.05 G. " + LEFT_OUT.format("666,216 parameters, 25.96 G MACs"),
        fills="Table 1, row TCM: times, memory, FLOPs, parameters; BD-rate with the authors' published points, as "
        "weights are released for one rate",
        aliases=("tcm",),
    ),
)
