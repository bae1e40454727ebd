"""Names of variants: which there are, what they do to a SPEC, and what is refused."""

import pytest

from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.codecs.registry import find_codec, find_codecs, load_target, resolve_codec
from lic_bench.codecs.variants import VARIANTS, check_gpu, possible_variants
from lic_bench.errors import UserError


def test_a_variant_is_a_codec_of_its_own_with_the_weights_of_its_base() -> None:
    spec, base = resolve_codec("lalic@compile@bf16"), resolve_codec("lalic")
    assert (spec.name, spec.base, spec.label) == ("lalic@bf16@compile", "lalic", "LALIC bf16 compile")
    assert (spec.variants, spec.published, spec.aliases) == (("bf16", "compile"), None, ())
    assert spec.checkpoints == base.checkpoints
    assert base.base == base.name
    assert find_codec("lalic@bf16@compile") == spec
    assert "lalic@bf16@compile" not in find_codecs()


def test_aliases_ablations_and_targets_have_variants_too() -> None:
    assert resolve_codec("tcm@bf16").name == "tcm-large@bf16"
    assert resolve_codec("lalic-aft@bf16").settings["ablation"] == "aft"
    target = resolve_codec("compressai.zoo:bmshj2018_factorized@channels-last")
    assert (target.base, target.variants) == ("compressai.zoo:bmshj2018_factorized", ("channels-last",))


def test_the_coder_is_a_variant() -> None:
    assert resolve_codec("lalic").coder == "native"
    assert resolve_codec("lalic@compressai-coder").coder == "compressai"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lalic@bf61", r"Unknown variant in 'lalic@bf61': 'bf61'. Did you mean 'bf16'\?"),
        ("lalic@", "Unknown variant"),
        ("lalic@bf16@bf16", "one precision at a time"),
        ("lalic@bf16@tf32", "one precision at a time"),
        ("elic@cuda-graphs", "whose SPEC has coding_passes; of elic allowed are bf16"),
        ("jpeg@bf16", "jpeg is a classical codec"),
        ("lalci@bf16", "Did you mean 'lalic'"),
        ("compressai.zoo:bmshj2018_factorized@bf16", "allowed are channels-last, compile, compressai-coder"),
    ],
)
def test_what_is_no_variant_is_refused_in_a_line(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve_codec(name)


def test_names_that_were_stored_and_are_none_today_are_unknown() -> None:
    assert find_codec("gone@bf16") is None
    assert find_codec("lalic@int8") is None
    assert find_codec("jpeg@bf16") is None


def test_what_needs_a_gpu_says_so() -> None:
    for variant, info in VARIANTS.items():
        spec = resolve_codec(f"lalic@{variant}")
        check_gpu(spec, "cuda")
        if info.on_gpu:
            with pytest.raises(UserError, match=f"{variant} needs a GPU; .*leave it out"):
                check_gpu(spec, "cpu")
        else:
            check_gpu(spec, "cpu")


def test_every_learned_codec_here_may_have_all_variants_but_cuda_graphs_without_passes() -> None:
    for spec in find_codecs().values():
        all_of_them = [name for name, variant in VARIANTS.items() if spec.coding_passes or not variant.passes]
        assert possible_variants(spec) == (all_of_them if spec.kind == "learned" else [])


def test_specs_say_which_networks_predict_pass_by_pass() -> None:
    for spec in find_codecs().values():
        if spec.small:
            assert isinstance(load_target(spec.small)(), HyperpriorCodec) == spec.coding_passes, spec.name
