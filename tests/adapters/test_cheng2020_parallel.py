"""Cheng2020-Parallel: the size the LALIC paper prints, and what is said where weights do not fit."""

import copy
import warnings

import pytest
import torch

from adapters.cheng2020_parallel.model import build


@pytest.fixture(scope="module")
def model():
    return build(None)


def test_thop_counts_the_paper_s_parameters_and_macs(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # thop asks distutils for versions
        from thop import profile
    macs, parameters = profile(copy.deepcopy(model), (torch.zeros(1, 3, 64, 64),), verbose=False)
    assert parameters / 1e6 == pytest.approx(24.52, abs=0.005)
    assert macs * (512 * 768) / 64**2 / 1e9 == pytest.approx(369.7, rel=0.015)  # 365.4 here


def test_its_own_state_dict_loads(model):
    again = build({"state_dict": {f"module.{key}": value for key, value in model.state_dict().items()}})
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: {"g_a.0.conv1.weight": torch.zeros(128, 3, 3, 3)}, "a Cheng2020 network of N=128"),
        (lambda s: s | {"context_prediction.weight": torch.zeros(1)}, "serial context model"),
        (lambda s: s | {"extra": torch.zeros(1)}, "1 unexpected: extra"),
        (lambda s: {"g_a.0.weight": torch.zeros(1)}, "weights of another codec"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_the_likely_cause(model, change, said):
    with pytest.raises(ValueError, match=said):
        build(change(dict(model.state_dict())))
