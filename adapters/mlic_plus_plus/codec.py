"""MLIC++ in the two layouts that its authors released."""

from dataclasses import replace

from lic_bench.spec import CodecSpec, Padding, drive_checkpoints

REPOSITORY = "https://github.com/JiangWeibeta/MLIC"
# The links of the repository's README; the file names are ours.
WEIGHTS = (
    (0.0018, "1rRdM5X5ueWvW5-ZN3gwPoXGECvgIcz-2"),
    (0.0035, "1SlIsurg4JocEBAWrnp1jiEe1EnFgw5AP"),
    (0.0067, "1CKpyUXwifJZ9gb0l_Di6R-TMH9f4UmAU"),
    (0.013, "1Qp4YBea3GkLSGDyYgo7OeaWZa5_rX8kJ"),
    (0.025, "1krGCTYat0Qkcp0QPaNC5sP3ofrq-eQsv"),
    (0.0483, "1mIDwO_2Q1sNVriCFiLS1oxgfbVUaHihl"),
)
MS_SSIM_WEIGHTS = (
    (2.4, "1ATugqZaT11oVvClNc5t7JogvX8ImQn95"),
    (4.58, "1jpPVJUT8xInZfZYPF8TLTXDzy2Su0sd2"),
    (8.73, "1siIS3GJVylTmdanGBLt-fO_HqtZ5H4_Z"),
    (16.64, "11Ld5Xvbp52LeIHiAJbvgbHf9wnkylWfj"),
    (31.73, "1AZvQZWNQgKicCG0vtKgnjZ5b5Mwqklrs"),
    (60.5, "1s39D48P_P6JB2CC33d5khlFTXZgOVlZo"),
)
CONTEXTS = (
    *("channel_context", "global_inter_context", "local_context", "global_intra_context"),
    *("entropy_parameters_anchor", "entropy_parameters_nonanchor", "lrp_anchor", "lrp_nonanchor"),
)
PHASES = {
    **{name: (name,) for name in ("g_a", "h_a", "h_s", "g_s")},
    "context *": tuple(f"{name}.*" for name in CONTEXTS),
}

MLIC_PLUS_PLUS = CodecSpec(
    name="mlic-plus-plus",
    label="MLIC++",
    kind="learned",
    load="adapters.mlic_plus_plus.model:build",
    small="adapters.mlic_plus_plus.model:small",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    aliases=("mlic++", "mlicpp"),
    paper="Jiang et al., MLIC++: Linear Complexity Multi-Reference Entropy Modeling for Learned Image Compression, "
    "ICML Neural Compression Workshop 2023, arXiv:2307.15421",
    source=f"{REPOSITORY}@4aa9d2a",
    licence="none stated in the repository's README",
    padding=Padding(multiple=64, place="corner"),
    checkpoints=drive_checkpoints("mlic-plus-plus", WEIGHTS),
    entropy_coder="rans",
    coding_passes=True,
    phases=PHASES,
    published="mlic-plus-plus",
    fills="Table 1, row MLIC++: times, memory; FLOPs and parameters with fresh weights; BD-rate with the released "
    "weights or the published points",
    notes=(
        "thop: 443.17 G MACs and 83.27 M parameters at 768x512, as the LALIC paper prints; the operator counter: "
        "453.38 G. thop leaves out GDN's beta and gamma (222,336 parameters), the entropy bottleneck (11,712), the "
        "tables of relative positions (1,620), and the inner products of GDN and of the attention (10.21 G MACs). "
        "Weights of the first layout, as released, have 116.72 M parameters (thop: 494.18 G MACs, 116.48 M); the "
        "layout is told by the file's keys."
    ),
)

MS_SSIM = replace(
    MLIC_PLUS_PLUS,
    name="mlic-plus-plus-msssim",
    label="MLIC++ (MS-SSIM)",
    aliases=(),
    checkpoints=drive_checkpoints("mlic-plus-plus-msssim", MS_SSIM_WEIGHTS),
    optimised_for="ms-ssim",
    published=None,
    fills="Table 4, row MLIC++: BD-rate with the released weights; no points are published",
    notes="The network of `mlic-plus-plus`, trained for MS-SSIM; the weights have the first layout.",
)

SPECS = (MLIC_PLUS_PLUS, MS_SSIM)
