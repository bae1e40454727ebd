"""JPEG as libjpeg(-turbo) codes it through Pillow, with the settings behind the published curves."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="jpeg",
    label="JPEG",
    kind="classical",
    load="adapters.jpeg.model:load",
    qualities=(10, 20, 30, 50, 75, 90),
    quick_qualities=(20, 75),
    quality_range=(1, 100),
    paper="ITU-T T.81 | ISO/IEC 10918-1",
    source="https://github.com/python-pillow/Pillow (libjpeg-turbo)",
    licence="MIT-CMU (Pillow), IJG and BSD-3-Clause (libjpeg-turbo)",
    devices=("cpu",),
    published="jpeg",
    notes=(
        "Baseline, 4:2:0, standard Huffman tables: Pillow's defaults, with which the published curves were made. "
        "Optimised tables would save 20 % of the bytes at quality 10 and 1 % at 90. The files have the published sizes "
        "within 0.01 %; the PSNR is 0.10 to 0.13 dB above, for which the newer libjpeg-turbo may be the reason."
    ),
)
