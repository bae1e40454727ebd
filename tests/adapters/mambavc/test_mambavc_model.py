"""MambaVC against the numbers of the authors' code, its complexity, and what is said where weights do not fit."""

import pytest
import torch

from adapters.mambavc.model import build, small
from lic_bench.measurement.complexity import count_complexity


@pytest.mark.slow
def test_every_number_of_the_authors_code_comes_out(check_golden_run):
    check_golden_run("mambavc", build)


def test_complexity_is_that_of_the_authors_code():
    wanted = (("thop", "forward"), ("exact", "forward"))
    thop, operators = count_complexity(
        build(None), "mambavc", 1, 128, 128, wanted=wanted
    )  # all is linear in the pixels
    assert (thop.macs * 24, thop.parameters) == (393_370_533_888, 47_879_523)
    assert thop.uncounted_ops["SelectiveScan (mambavc.selective_scan, matrix products)"] == 32
    assert operators.macs > 327_999_160_320 / 24  # convolutions and linear layers alone


def test_wrapped_prefixed_and_old_names_load_alike():
    model = small()
    state = {}
    for key, value in build(None).state_dict().items():
        state[
            "module." + key.replace("matrices.", "_matrix").replace("biases.", "_bias").replace("factors.", "_factor")
        ] = value
    again = build({"state_dict": state})
    assert torch.equal(again.g_a[1].op.A_logs, state["module.g_a.1.op.A_logs"])
    assert torch.equal(again.entropy_bottleneck.factors[1], state["module.entropy_bottleneck._factor1"])
    assert type(model) is type(again)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s, "a MambaVC of width 32; this one has 256"),
        (lambda s: {"g_a.0.weight": torch.zeros(1)}, "weights of another codec"),
        (
            lambda s: (
                {k: v for k, v in s.items() if "atten" not in k} | {"g_a.1.op.x_proj_weight": torch.zeros(4, 48, 512)}
            ),
            "another entropy model",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_the_likely_cause(change, said):
    with pytest.raises(ValueError, match=said):
        build(change(dict(small().state_dict())))


@torch.no_grad()
def test_decoding_repeats_the_encoder_s_arithmetic_to_the_bit():
    model = small()
    model.update()
    x = torch.rand(1, 3, 128, 256)
    coded = model.compress(x)
    x_hat = model.decompress(coded["strings"], coded["shape"])["x_hat"]
    assert torch.equal(x_hat, model(x)["x_hat"].clamp(0, 1))
