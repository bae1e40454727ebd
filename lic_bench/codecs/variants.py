"""Variants of a learned codec: the same weights, computed or coded otherwise. "lalic@bf16@compile" is such a codec."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lic_bench.errors import UserError, unknown
from lic_bench.spec import VARIANT_MARK, CodecSpec

PARTS = (
    "g_a",
    "h_a",
    "g_s",
)  # what only one side computes, or what nothing is decoded from: it cannot lose the decoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """what: in words. group: two variants of one do not combine. parts: of a codec whose SPEC names g_a, h_a and g_s.

    passes: of a codec whose SPEC has coding_passes. on_gpu: whether it needs one.
    """

    what: str
    group: str
    parts: bool = False
    passes: bool = False
    on_gpu: bool = False


THEIR_CODER = "compressai-coder"
VARIANTS = {
    "bf16": Variant(what="g_a, h_a and g_s in bfloat16", group="precision", parts=True),
    "fp16": Variant(what="g_a, h_a and g_s in float16, on a GPU", group="precision", parts=True, on_gpu=True),
    "tf32": Variant(what="products of g_a, h_a and g_s in TF32, on a GPU", group="precision", parts=True, on_gpu=True),
    "channels-last": Variant(what="images and weights in channels-last memory layout", group="layout"),
    "compile": Variant(what="its transforms compiled by torch.compile", group="compiler"),
    "cuda-graphs": Variant(
        what="its context model as CUDA graphs, one from each coding pass to the next",
        group="graphs",
        passes=True,
        on_gpu=True,
    ),
    THEIR_CODER: Variant(what="CompressAI's rANS coder in place of ours, same bytes", group="coder"),
}


def variants_in(name: str) -> tuple[str, ...]:
    """The variants that a codec's name has, in the order of VARIANTS, in which they are applied.

    Raises UserError for an unknown one, one that is there twice, and two that do not combine.
    """
    named = name.split(VARIANT_MARK)[1:]
    for variant in named:
        if variant not in VARIANTS:
            raise unknown(f"variant in {name!r}:", variant, VARIANTS)
    groups = [VARIANTS[variant].group for variant in named]
    if twice := next((group for group in groups if groups.count(group) > 1), None):
        raise UserError(f"Codec {name!r}: one {twice} at a time; leave all but one out.")
    return tuple(variant for variant in VARIANTS if variant in named)


def possible_variants(spec: CodecSpec) -> list[str]:
    """The variants that a codec may have."""
    if spec.kind != "learned":
        return []
    named = all(part in spec.phases for part in PARTS)
    return [
        name
        for name, variant in VARIANTS.items()
        if (named or not variant.parts) and (spec.coding_passes or not variant.passes)
    ]


def with_variants(spec: CodecSpec, named: Sequence[str]) -> CodecSpec:
    """The codec with these variants, a codec of its own. Raises UserError for what it cannot be."""
    if not named:
        return spec
    name = VARIANT_MARK.join((spec.name, *named))
    if spec.kind != "learned":
        raise UserError(f"Codec {name!r}: {spec.name} is a {spec.kind} codec; variants are of learned ones.")
    possible = possible_variants(spec)
    if impossible := [variant for variant in named if variant not in possible]:
        raise UserError(
            f"Codec {name!r}: {impossible[0]} needs a codec {_needed(VARIANTS[impossible[0]])}; of {spec.name} allowed "
            f"are {', '.join(possible)}."
        )
    return replace(
        spec,
        name=name,
        label=f"{spec.label} {' '.join(named)}",
        variants=tuple(named),
        coder="compressai" if THEIR_CODER in named else spec.coder,
        aliases=(),
        published=None,
        fills="",
    )


def _needed(variant: Variant) -> str:
    return "whose SPEC has coding_passes" if variant.passes else f"whose SPEC names {', '.join(PARTS)} in its phases"


def without_variants(spec: CodecSpec) -> CodecSpec:
    """The codec that this one is a variant of, as far as it is computed and coded; label and coder stay."""
    return replace(spec, name=spec.base, variants=())


def check_gpu(spec: CodecSpec, device: str) -> None:
    """Raise UserError where a variant needs a GPU and `device`, "cpu" or "cuda", is none."""
    if device == "cpu" and (on_gpu := [variant for variant in spec.variants if VARIANTS[variant].on_gpu]):
        instead = f"use {VARIANT_MARK}bf16, or " if VARIANTS[on_gpu[0]].group == "precision" else ""
        raise UserError(f"Codec {spec.name!r}: {on_gpu[0]} needs a GPU; {instead}leave it out.")
