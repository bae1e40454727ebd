"""HPCM in the two sizes of the paper, trained for MSE and for MS-SSIM."""

from adapters.shared.phases import TRANSFORMS
from lic_bench.spec import CodecSpec, Padding, drive_checkpoints

REPOSITORY = "https://github.com/lyq133/LIC-HPCM"
LAMBDAS = (0.0018, 0.0035, 0.0067, 0.013, 0.025, 0.0483)
MS_SSIM_LAMBDAS = (2.4, 4.58, 8.73, 16.64, 31.73, 60.5)
# The links of the repository's README; the file names are ours.
BASE_IDS = (
    "1nIoANbXzBNE0S_VoLo9ZDHU50lPMmeBP",
    "15J_nl33_5R_qyTIzLAaT60ICn9BMGHlB",
    "1HIzsEqAPztaMh0Frqec4TtRwoc7uxO97",
    "1Snq7vkWQdApzCe-gK_V-WuRyMHQRL443",
    "1NFZD87BkfU28YnDqpzfphG0xDZDZpUA5",
    "1G5wm4KENBY2qSAQBxNw3Rz4JcMxH8HXu",
)
LARGE_IDS = (
    "1E1DUaPsIrfNPwfk4qD-630hhxx5n_BJ4",
    "15yDUVvEBn-7dMA9SBIQ2w28LJXBGntQo",
    "1yzZKji6RpsyQPD6KFr_weavVrlmn-V4R",
    "1L19zjwOpbbFPw0FxnyVLcHATxCaorjUV",
    "1oh8OwCLc8PEVMW1fc9LoC7G4385kHU5D",
    "1VWLPQeDzBZgb1D2mZ9jLzLppXL8gUanH",
)
BASE_MS_SSIM_IDS = (
    "1AZ9dY2J9Rn17YSQe_NYIOID-st1C-68O",
    "1Y8gEL4MRNB-TBbOMDUKeMTO_z1QhbwqL",
    "1hXK-X6GsjjiULy6FvU80Smob_2UOFeFJ",
    "1antXt3M0ecOVejbpxL1U7CVx4TS_XPMQ",
    "1X_Q0hHwAW0GOsHWLoq84YKYqXrduFe6b",
    "1mX885h4eVwLvpeHpBHBoM1p4Z2VLV2y-",
)
LARGE_MS_SSIM_IDS = (
    "1RUM2a1wdI8Yj9-tvzO_MnHGZWZRp2-W6",
    "1TL_QDlfzHvmerN1p0rn5mJbSNwn3LXXx",
    "1nIEJY9ecr9uA9XidtiQRXQ2rzm1DWKM0",
    "1sKnWry4LIZPawwv08TH3l_41giUuElCx",
    "1rR0vFbQ2fOT7EgJbYg5f0OdiIT5jbPPu",
    "1ITR5JEzLjmdHLp20GYzIdwE8eEK2d7ns",
)
CONTEXT = (
    *(f"y_spatial_prior_adaptor_list_s{grid}.*" for grid in (1, 2, 3)),
    *("y_spatial_prior_s1_s2", "y_spatial_prior_s3", "attn_s1", "attn_s2", "attn_s3", "context_net.*"),
)
FACTORS = (
    "Files of before 2026 lack the factors of the ten steps after the first: they were 1 in training and are taken as "
    "1, which such a file's parameter count (9,600 fewer) shows."
)
COUNTED = (
    "The operator counter: {} G MACs at 768x512; with the last attention of all, which the authors' code runs although "
    "nothing uses its result (2.64 G), the {} kMACs per pixel of the paper. thop: {} G ({} with that attention), {} M "
    "parameters; it counts transposed convolutions four times too high (15.33 G too much) and leaves out the attention "
    "products (0.73 G). The authors code real strings. "
)


def _spec(
    size: str, ids: tuple[str, ...], lambdas: tuple[float, ...], notes: str, *, ms_ssim: bool = False
) -> CodecSpec:
    name = f"hpcm-{size}" + ("-msssim" if ms_ssim else "")
    return CodecSpec(
        name=name,
        label=f"HPCM-{size.capitalize()}" + (" (MS-SSIM)" if ms_ssim else ""),
        kind="learned",
        load=f"adapters.hpcm.model:build_{size}",
        small="adapters.hpcm.model:small",
        qualities=(1, 2, 3, 4, 5, 6),
        quick_qualities=(3,),
        paper="Li et al., Learned Image Compression with Hierarchical Progressive Context Modeling, ICCV 2025, "
        "arXiv:2507.19125",
        source=f"{REPOSITORY}@c271cfe",
        licence="MIT",
        padding=Padding(multiple=256, place="centre"),
        checkpoints=drive_checkpoints(name, zip(lambdas, ids, strict=True)),
        optimised_for="ms-ssim" if ms_ssim else "mse",
        entropy_coder="rans",
        coding_passes=True,
        phases={**TRANSFORMS, "h_s": ("h_s",), "context": CONTEXT},
        published=name,
        fills="no row of the LALIC paper's tables; every column of a row of its own, BD-rate with the released weights "
        "or the published points",
        notes=notes,
    )


SPECS = (
    _spec("base", BASE_IDS, LAMBDAS, COUNTED.format("358.55", "918.56", "373.15", "375.67", "68.50") + FACTORS),
    _spec("large", LARGE_IDS, LAMBDAS, COUNTED.format("493.33", "1,261.32", "507.93", "510.44", "89.71") + FACTORS),
    _spec(
        "base",
        BASE_MS_SSIM_IDS,
        MS_SSIM_LAMBDAS,
        f"The network of `hpcm-base`, trained for MS-SSIM. {FACTORS}",
        ms_ssim=True,
    ),
    _spec(
        "large",
        LARGE_MS_SSIM_IDS,
        MS_SSIM_LAMBDAS,
        f"The network of `hpcm-large`, trained for MS-SSIM. {FACTORS}",
        ms_ssim=True,
    ),
)
