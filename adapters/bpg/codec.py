"""BPG (HEVC intra in a small file) as libbpg's bpgenc codes it, with the settings behind the published curve."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="bpg",
    label="BPG 4:4:4",
    kind="classical",
    load="adapters.bpg.model:load",
    mode="ycbcr8-bt601",
    programs="adapters.bpg.coder:installed",
    qualities=(47, 42, 37, 32, 27, 22),
    quick_qualities=(42, 32),
    quality_range=(0, 51),
    quality_name="QP",
    paper="BPG Specification 0.9.5",
    source="https://bellard.org/bpg (libbpg)",
    licence="LGPL-2.1-or-later (libbpg), GPL-2.0-or-later (x265 in bpgenc)",
    devices=("cpu",),
    install=(
        "build libbpg from https://bellard.org/bpg with x265 (make bpgenc bpgdec), then put bpgenc and bpgdec on PATH "
        "or name their folder by BPG_ROOT"
    ),
    published="bpg",
    notes=(
        "bpgenc -f 444 -c ycbcr -b 8 -e x265: YCbCr BT.601 4:4:4 at 8 bit, level 8 of 9. The payload is the file. "
        "Times include starting the program, writing PNG and reading PPM."
    ),
)
