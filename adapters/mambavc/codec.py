"""MambaVC as its authors' training and evaluation scripts build it."""

from adapters.shared.phases import channelwise
from lic_bench.spec import CodecSpec, Padding

SPEC = CodecSpec(
    name="mambavc",
    label="MambaVC",
    kind="learned",
    load="adapters.mambavc.model:build",
    small="adapters.mambavc.model:small",
    qualities=(1, 2, 3, 4, 5, 6),
    quick_qualities=(3,),
    paper="Qin et al., MambaVC: Learned Visual Compression with Selective State Spaces, arXiv:2405.15413",
    source="https://github.com/QinSY123/2024-MambaVC@f849e9b",
    licence="none found in the authors' repository; this project's own code: MIT",
    padding=Padding(multiple=128, place="centre"),
    entropy_coder="rans",
    kernels="adapters.mambavc.scan:kernels_on",
    coding_passes=True,
    phases=channelwise(attention=True),
    published="mambavc",
    fills="Table 1, row MambaVC: times, memory, FLOPs, parameters; BD-rate from the published points",
    notes=(
        "N=128, M=320; no weights are published. thop counts 393.37 G MACs and 47.88 M parameters at 768x512, as the "
        "LALIC paper prints. It leaves out the raw parameters of the scans (5.42 M), their projections (79.2 G MACs), "
        "the scans and the attention products, and takes transposed convolutions four times (65.37 G too much). "
        "Pictures with a side below 256 make the authors' code fail, here they are coded."
    ),
)
