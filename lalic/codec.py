"""LALIC as lic-bench sees it."""

from dataclasses import replace

from lic_bench.spec import Checkpoint, CodecSpec, Padding, drive_link

REPOSITORY = "https://github.com/sjtu-medialab/RwkvCompress"
FOLDER = "https://drive.google.com/drive/folders/1gEN-24FOe2z-NfwpJrj2JIHPlRBNxA8n"  # all six files
# lambda, and the file's id in the list of BaylorMultimediaLab/UI-LIC (quick-start.py), a third party.
WEIGHTS = (
    (0.0018, "1908uXi4ofAUdznLvA-NAKe2rTLJlY2pA"),
    (0.0035, "1WckWVqow2GDnXuY7Z4aPHm4ovKUIenh0"),
    (0.0067, "1quDdHXsJPgdgGwTZsJRf0guCru43G17F"),
    (0.0130, "1DtJigNUa80mPYBtjhCOdyPZQ5eRkUf2i"),
    (0.0250, "1W5fwRrPI9KDWwdQ3QszL2rlGkqHAFnAB"),
    (0.0483, "1c2yYxB8Riq5BUrJlZr3bW5mt-y1e8mTe"),
)

LALIC = CodecSpec(
    name="lalic",
    label="LALIC",
    kind="learned",
    load="lalic.model:build",
    small="lalic.model:small",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    paper="Feng et al., Linear Attention Modeling for Learned Image Compression, CVPR 2025, arXiv:2502.05741",
    source=f"{REPOSITORY}@d2808464be",
    licence="MIT",
    padding=Padding(multiple=128, place="centre"),
    checkpoints={
        quality: Checkpoint(file=f"lalic-mse-q{quality}.pth", lmbda=lmbda, url=FOLDER, third_party=drive_link(drive_id))
        for quality, (lmbda, drive_id) in enumerate(WEIGHTS, start=1)
    },
    entropy_coder="rans",
    kernels="lalic.biwkv:kernels_on",
    coding_passes=True,
    phases={
        **{name: (name,) for name in ("g_a", "h_a", "h_s", "g_s")},
        "context *": ("context.groups.*",),
    },
    ablations={
        "2-2-2-2-conv": "LALIC 2,2,2,2 Conv",
        "2-4-6-2-conv": "LALIC 2,4,6,2 Conv",
        "2-4-6-6-conv": "LALIC 2,4,6,6 Conv",
        "2-4-6-6-conv-plus": "LALIC 2,4,6,6 Conv Plus",
        "aft": "LALIC AFT",
        "aft-shift": "LALIC AFT+Shift",
    },
    published="lalic",
    fills="Table 1, row LALIC: every column; Tables 2, 3 and 5 are in every report",
    notes=(
        "The first lambda is 0.0018 as in the authors' code; the paper prints 0.0025. thop counts 261.6 G MACs at "
        "768x512: the parameter aggregation runs once per position, in the authors' network twice (277.64 G); with "
        "h_a and h_s counted twice that is the paper's 286.16 G."
    ),
)

SMALL = replace(
    LALIC,
    name="lalic-small",
    label="LALIC-small",
    load="lalic.model:build_small",
    qualities=(1, 2, 3, 4, 5),
    quick_qualities=(2, 4),
    checkpoints={},
    shipped="lalic:weights",
    ablations={"aft": "LALIC-small AFT", "aft-shift": "LALIC-small AFT+Shift"},
    published=None,
    fills="no row of the paper: a curve of its own",
    notes=(
        "LALIC's architecture with fewer channels and blocks, trained for this bench on photographs of 512x512 and "
        "768x512 pixels (lalic/weights/README.md). Not the paper's network: its points say nothing about LALIC's."
    ),
)

MS_SSIM = replace(
    LALIC,
    name="lalic-msssim",
    label="LALIC (MS-SSIM)",
    checkpoints={},
    ablations={},
    optimised_for="ms-ssim",
    published="lalic-msssim",
    fills="Table 4, row LALIC: BD-rate with weights of your own",
    notes="The network of `lalic`, to be trained for MS-SSIM: its authors published points, on Kodak, and no weights.",
)

SPECS = (LALIC, SMALL, MS_SSIM)
