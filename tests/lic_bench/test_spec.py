"""What a SPEC may declare of its phases."""

import pytest

from lic_bench.errors import UserError
from lic_bench.spec import CodecSpec, variant_order

COMMON = {"name": "x", "label": "X", "load": "x:x", "qualities": (1,)}


@pytest.mark.parametrize(
    "phases",
    [
        {"g_a": ("g_a",), "context *": ("context.groups.*", "lrp.*"), "context": ("context", "**.entropy_parameters")},
        {"context #": ("tca.TCA.step",), "context *": ("**.latent_codec.y*.compress",), "rest": ("blocks.*",)},
        {},
    ],
)
def test_phases_may_be_declared(phases):
    assert CodecSpec(**COMMON, kind="learned", phases=phases).phases == phases


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ({"other": ("g_a",)}, "other than 'other' and 'total'"),
        ({"total": ("g_a",)}, "other than 'other' and 'total'"),
        ({"encode/g_a": ("g_a",)}, "without a slash"),
        ({" ": ("g_a",)}, "allowed is a name"),
        ({"g_a": "g_a"}, r"write \('g_a',\)"),
        ({"g_a": ()}, "no tuple"),
        ({"context *": ("context",)}, "one '\\*' where the phase has one"),
        ({"context *": ("context.*", "lrp")}, "one '\\*' where the phase has one"),
        ({"context": ("a.*.b.*",)}, "at most one"),
    ],
)
def test_what_cannot_be_a_phase_is_an_error_of_one_line(phases, message):
    with pytest.raises(UserError, match=message) as error:
        CodecSpec(**COMMON, kind="learned", phases=phases)
    assert str(error.value).startswith("Codec 'x', phase ")
    assert "\n" not in str(error.value)


def test_a_codec_without_submodules_has_no_phases():
    with pytest.raises(UserError, match="phases is of learned codecs"):
        CodecSpec(**COMMON, kind="classical", phases={"g_a": ("g_a",)})


def test_networks_are_optimised_for_mse_unless_said_and_classical_codecs_for_nothing():
    assert CodecSpec(**COMMON, kind="learned").optimised_for == "mse"
    assert CodecSpec(**COMMON, kind="learned", optimised_for="ms-ssim").optimised_for == "ms-ssim"
    assert CodecSpec(**COMMON, kind="classical").optimised_for is None
    with pytest.raises(UserError, match="optimised_for is of learned codecs"):
        CodecSpec(**COMMON, kind="classical", optimised_for="mse")


def test_a_variant_is_sorted_after_its_base() -> None:
    names = ["lalic@bf16", "lalic-small", "lalic", "lalic@bf16@compile"]
    assert sorted(names, key=variant_order) == ["lalic", "lalic@bf16", "lalic@bf16@compile", "lalic-small"]
