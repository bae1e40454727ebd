"""JPEG XL as libjxl codes it, in process through pillow-jxl-plugin."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="jpeg-xl",
    label="JPEG XL (libjxl)",
    kind="classical",
    load="adapters.jpeg_xl.model:load",
    qualities=(10, 30, 50, 70, 80, 90),
    quick_qualities=(30, 80),
    quality_range=(1, 99),
    aliases=("jxl",),
    paper="ISO/IEC 18181-1",
    source="https://github.com/Isotr0py/pillow-jpegxl-plugin (libjxl)",
    licence="GPL-3.0 (pillow-jxl-plugin), BSD-3-Clause (libjxl)",
    devices=("cpu",),
    requires=("pillow_jxl",),
    install="pip install 'lic-bench[images]'",
    notes=(
        "VarDCT in XYB, effort 7, one thread, naked codestream. libjxl aims at visual quality, not PSNR. Quality 100 "
        "would be lossless, which these settings cannot be."
    ),
)
