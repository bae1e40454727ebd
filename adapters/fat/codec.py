"""FAT (FTIC) as lic-bench sees it."""

from dataclasses import replace

from lic_bench.spec import Checkpoint, CodecSpec, Padding, drive_link

REPOSITORY = "https://github.com/qingshi9974/ICLR2024-FTIC"
RELEASE = f"{REPOSITORY}/releases/download/v1.0/"
# The links of the repository's README; the file names are ours.
WEIGHTS = (
    (0.0018, "1Ctikh2P0fLRGJfsiR8JSONZaoAGy-Kha"),
    (0.0035, "14wIctJRBhYEfxpnprxP03YP4aWAPodL0"),
    (0.0067, "15WiSKW-PFnpHaE4nP_IlndiOJHDPS0y8"),
    (0.013, "1Js0F8LLAJI62tsFZBRtSK6j_nnt_eEkZ"),
    (0.025, "1W3Ll1cl8-TMMsuqJWQbALxchOvD32oNj"),
    (0.0483, "1l1vYGo9HOX6_0NR7H1TrVJGW67VgyUV_"),
)
MS_SSIM_WEIGHTS = (
    (2.4, f"{RELEASE}ckpt_msssim_0240.pth.tar"),
    (4.58, f"{RELEASE}ckpt_msssim_0458.pth.tar"),
    (8.73, f"{RELEASE}ckpt_msssim_0873.pth.tar"),
    (16.64, f"{RELEASE}ckpt_msssim_1664.pth.tar"),
    (31.73, drive_link("1JLiSF2ARjptjpJbmo2vd63YDIvcyItWa")),
    (60.5, drive_link("1L2RwrTz2-uR9Cmr087YUbDTpgMGKdtux")),
)
# A slice's context is two methods of the network, called once per slice; what all slices share comes before.
PHASES = {
    **{name: (name,) for name in ("g_a", "h_a", "g_s")},
    "h_s": ("h_mean_s", "h_scale_s"),
    "context": ("tca.transformed", "tca.TCA.start_token_from_hyperprior"),
    "context #": ("tca.TCA.step", "tca.gaussians"),
}

FAT = CodecSpec(
    name="fat",
    label="FAT",
    kind="learned",
    load="adapters.fat.model:build",
    small="adapters.fat.model:small",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    aliases=("ftic",),
    paper="Li et al., Frequency-Aware Transformer for Learned Image Compression, ICLR 2024, arXiv:2310.16387",
    source=f"{REPOSITORY}@e0d4886",
    licence="none stated in the repository's README",
    padding=Padding(multiple=256, place="centre"),
    checkpoints={
        quality: Checkpoint(file=f"fat-{lmbda}.pth", lmbda=lmbda, url=drive_link(drive_id))
        for quality, (lmbda, drive_id) in enumerate(WEIGHTS, start=1)
    },
    entropy_coder="rans, tables over scale and fraction of the mean",
    coding_passes=True,
    phases=PHASES,
    published="fat",
    fills="Table 1, row FAT: memory, FLOPs and parameters with fresh weights; BD-rate with the released weights or the "
    "published points; times of the network, not of the authors' entropy coder",
    notes=(
        "The authors code y by a range coder in Python with a table for every value; here it is rANS by default, 0.3 % "
        "longer on the reference picture, and the authors' format with the network's entropy_coder set to "
        "'range-coder'. thop: 245.46 G MACs and 69.78 M of 70.96 M parameters at 768x512, as the LALIC paper prints; "
        "the operator counter: 264.13 G. thop leaves out the products of attention (15.42 G MACs) and of GDN (3.71 G), "
        "the parameters of GDN, of the frequency modulation, of the normalisations by group and of the entropy "
        "bottleneck, and the tables of relative positions; neither counts the Fourier transforms."
    ),
)

MS_SSIM = replace(
    FAT,
    name="fat-msssim",
    label="FAT (MS-SSIM)",
    aliases=(),
    checkpoints={
        quality: Checkpoint(file=f"fat-msssim-{lmbda}.pth", lmbda=lmbda, url=url)
        for quality, (lmbda, url) in enumerate(MS_SSIM_WEIGHTS, start=1)
    },
    optimised_for="ms-ssim",
    published="fat-msssim",
    fills="Table 4, row FAT: BD-rate with the released weights; the published points are on Kodak alone",
    notes="The network of `fat`, trained for MS-SSIM.",
)

SPECS = (FAT, MS_SSIM)
