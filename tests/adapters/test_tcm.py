"""TCM against the numbers of the authors' code, its three sizes, and what is said where weights do not fit."""

import pytest
import torch

from adapters.tcm.model import build, build_large, build_middle, build_small, small
from lic_bench.measurement.complexity import count_complexity


def golden_state(conformance, size):
    weights = conformance.expected("tcm-large")[0]["weights"]
    return conformance.state_dict(f"tcm-{size}", **weights)


@pytest.mark.slow
def test_every_number_of_the_authors_code_comes_out(check_golden_run):
    check_golden_run("tcm-large", build_large)


@pytest.mark.parametrize(("size", "build_size"), [("small", build_small), ("middle", build_middle)])
def test_the_authors_keys_of_the_other_sizes_load(conformance, size, build_size):
    state = {f"module.{key}": value.float() for key, value in golden_state(conformance, size).items()}
    model = build_size({"epoch": 49, "state_dict": state})
    assert torch.equal(model.g_a[9].weight, state["module.g_a.9.weight"])
    assert torch.equal(model.entropy_bottleneck.matrices[0], state["module.entropy_bottleneck._matrix0"])


@pytest.mark.parametrize(
    ("build_size", "macs", "exact", "parameters"),
    [
        (build_large, 700_655_075_328, 726_049_394_688, 75_901_932),
        (build_middle, 415_964_921_856, 431_943_880_704, 58_732_652),
        (build_small, 211_365_003_264, 220_051_968_000, 44_971_244),
    ],
)
def test_complexity_is_that_of_the_authors_code(build_size, macs, exact, parameters):
    wanted = (("thop", "forward"), ("exact", "forward"))
    thop, operators = count_complexity(
        build_size(None), "tcm", 1, 128, 128, wanted=wanted
    )  # all is linear in the pixels
    assert (thop.macs * 24, operators.macs * 24, thop.parameters) == (macs, exact, parameters)


@pytest.fixture(scope="module")
def fresh():
    return small().state_dict()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s, "TCM of N=32, a size that was not released; this one has N=128"),
        (lambda s: s | {"g_a.0.conv1.weight": torch.zeros(128, 3, 3, 3)}, "TCM of N=64, codec tcm-small"),
        (lambda s: {k: v for k, v in s.items() if "trans_block" not in k}, "weights of another codec"),
        (lambda s: {k: v for k, v in s.items() if not k.startswith("atten_")}, "another codec on TCM's transforms"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_the_likely_cause(fresh, change, said):
    with pytest.raises(ValueError, match=said):
        build(change(dict(fresh)), 128)


def test_an_image_that_is_not_padded_is_refused():
    with pytest.raises(ValueError, match=r"\[1, 3, 64, 128\]; TCM takes .* multiples of 128"):
        small()(torch.zeros(1, 3, 64, 128))


def test_another_number_of_strings_is_refused():
    model = small()
    model.update()
    with pytest.raises(ValueError, match=r"3 strings; TCM writes 2 \(1 of y, then z\)"):
        model.decompress([[b""]] * 3, (1, 1))
