"""DCAE, trained for MSE and for MS-SSIM."""

from dataclasses import replace

from adapters.shared.phases import CONVOLUTIONS, TRANSFORMS
from lic_bench.spec import CodecSpec, Padding, drive_checkpoints

REPOSITORY = "https://github.com/LabShuHangGU/DCAE"
# The links of the repository's README; the file names are ours.
WEIGHTS = (
    (0.0018, "1JzVuERiZe8cStgLnE5TJii_ssppgY1p-"),
    (0.0035, "1JE0SO876a-btXzOQLTilj7D0vJdePlB4"),
    (0.0067, "1LdycatKcGXHvFjoR-NE-GWnPlL9-BRWX"),
    (0.013, "1kXfvxsljdN3EfXDGqzknFc2Ecsgf8qgS"),
    (0.025, "1-6ZZ-bScGYj448h1sqMTX4w2Q75MQQ1q"),
    (0.05, "1jCsRJq7Ttx22-yWQbEQAHJWbdIDtc30k"),
)
MS_SSIM_WEIGHTS = (
    (2.4, "1BIgupje5UcEwzOch3QG1pooCxRxE6Rtt"),
    (4.58, "1br6rf4WtwLY9NPvRCY3GyVP_lvrXRi9y"),
    (8.73, "1U-1f24E6IrKjdHvzObnMslYBLA2YAKXe"),
    (16.64, "1hzgbNPGxfXrwQN-OmTIujGBXCIXYsnW1"),
    (31.73, "1208tRiJw37ruKON1JVPj2YLp23l2O42U"),
    (60.5, "1S81POfELTNyWmy2mMRlL70vuKjGC5QC_"),
)


DCAE = CodecSpec(
    name="dcae",
    label="DCAE",
    kind="learned",
    load="adapters.dcae.model:build",
    small="adapters.dcae.model:small",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    paper="Lu et al., Learned Image Compression with Dictionary-based Entropy Model, CVPR 2025, arXiv:2504.00496",
    source=f"{REPOSITORY}@bd00306b",
    licence="MIT",
    padding=Padding(multiple=128, place="centre"),
    checkpoints=drive_checkpoints("dcae", WEIGHTS),
    entropy_coder="rans",
    coding_passes=True,
    phases={**TRANSFORMS, "h_s": ("h_z_s1", "h_z_s2"), "context *": ("dt_cross_attention.*", *CONVOLUTIONS)},
    published="dcae",
    fills="no row of the LALIC paper's tables; every column of a row of its own, BD-rate with the released weights or "
    "the published points",
    notes=(
        "thop: 426.92 G MACs and 119.22 M parameters at 768x512; the operator counter: 378.80 G. thop counts "
        "transposed convolutions four times too high (57.76 G too much) and leaves out the attention products "
        "(10.33 G), the dictionary, position biases, scales and the entropy bottleneck (175,890 parameters). The "
        "authors print 252 and 305 G: thop's counts of what compress and decompress run; by the operator counter "
        "253.97 and 252.93 G. Their evaluation estimates the rate of the padded picture unless it is told to code. "
        "Pictures with a padded side of 128 make the authors' code fail, here they are coded."
    ),
)

MS_SSIM = replace(
    DCAE,
    name="dcae-msssim",
    label="DCAE (MS-SSIM)",
    checkpoints=drive_checkpoints("dcae-msssim", MS_SSIM_WEIGHTS),
    optimised_for="ms-ssim",
    published="dcae-msssim",
    fills="no row of the LALIC paper's tables; BD-rate on MS-SSIM with the released weights or the published points",
    notes="The network of `dcae`, trained for MS-SSIM.",
)

SPECS = (DCAE, MS_SSIM)
