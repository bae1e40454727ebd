"""LALIC and ELIC with few channels and fresh weights from a fixed seed: a whole learned codec in a second on a CPU."""

from dataclasses import replace

from adapters.elic.codec import SPECS as ELIC
from lalic.codec import LALIC
from lic_bench.spec import CodecSpec


def tiny(spec: CodecSpec) -> CodecSpec:
    """The codec's small network under a name of its own; how it pads and which kernels it has stay the codec's."""
    if spec.small is None:
        raise ValueError(f"codec {spec.name!r} names no small network")
    return replace(
        spec,
        name=f"{spec.name}-tiny",
        label=f"{spec.label} tiny",
        load=spec.small,
        arguments=(),
        qualities=(1,),
        quick_qualities=(),
        aliases=(),
        checkpoints={},
        variants={},
        published=None,
        fills="",
        notes="Few channels, fresh weights from a fixed seed: what it codes says nothing about quality.",
    )


SPECS = (tiny(LALIC), tiny(ELIC[0]))
