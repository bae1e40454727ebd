"""VTM, the reference software of VVC, as the LALIC paper's anchor runs it: intra, 4:4:4, one frame."""

from lic_bench.spec import CodecSpec
from vtm import VERSION

SOURCE = "https://vcgit.hhi.fraunhofer.de/jvet/VVCSoftware_VTM"
# VTM-9.1 makes errors of warnings, of which gcc 12 and later have new ones, and takes <cstdint> for included, which
# gcc 13 and later do not.
FLAGS = "-w -include cstdint"

SPEC = CodecSpec(
    name=f"vtm-{VERSION}",
    label=f"VTM-{VERSION}",
    kind="classical",
    load="vtm.model:load",
    qualities=(47, 42, 37, 32, 27, 22),
    quick_qualities=(47, 37),
    quality_range=(0, 63),
    quality_name="QP",
    aliases=("vtm",),
    version=VERSION,
    mode="ycbcr10",
    programs="vtm.binaries:installed_coder",
    options=("vtm_root", "vtm_colour"),
    paper="ITU-T H.266 | ISO/IEC 23090-3, VVC Test Model",
    source=SOURCE,
    licence="BSD-3-Clause",
    devices=("cpu",),
    install=(
        f"git clone --depth 1 --branch VTM-{VERSION} {SOURCE} && cmake -S VVCSoftware_VTM -B VVCSoftware_VTM/build "
        f"-DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS='{FLAGS}' && cmake --build VVCSoftware_VTM/build --parallel 4 "
        "--target EncoderApp DecoderApp, then --vtm-root VVCSoftware_VTM or VTM_ROOT"
    ),
    published=f"vtm-{VERSION}",
    fills="Table 1, row VTM-9.1: the anchor of every BD-rate",
    notes=(
        "encoder_intra_vtm.cfg, 4:4:4, internal bit depth 10. Between RGB and the coder: 10-bit YCbCr BT.709, rounded, "
        "unless --vtm-colour says otherwise. Times include writing and reading the raw files."
    ),
)
