"""A codec whose coder is another program: two Python scripts that drop low bits and pack what is left."""

from lic_bench.spec import CodecSpec

SPEC = CodecSpec(
    name="scripted-1.0",
    label="Scripted 1.0",
    kind="classical",
    load="scripted.model:load",
    qualities=(2, 4, 6),
    quick_qualities=(4,),
    quality_range=(0, 8),
    quality_name="bits",
    aliases=("scripted",),
    version="1.0",
    mode="rgb",
    programs="scripted.model:found",
    options=("vtm_colour",),
    paper="none",
    source="tests",
    licence="MIT",
    devices=("cpu",),
    install="it is here",
)
