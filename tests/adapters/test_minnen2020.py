"""Minnen2020: the paper's sizes, sizes read from a state, slices that see what they may, and a real bitstream."""

from dataclasses import replace

import pytest
import torch

from adapters.minnen2020.model import SLICES, Minnen2020, Widths, build, small
from lic_bench.codecs.gaussian_coding import Estimator
from lic_bench.measurement.complexity import count_complexity


def lively(model: torch.nn.Module) -> torch.nn.Module:
    """Weights such that y spreads over many symbols, tables made."""
    torch.manual_seed(0)
    with torch.no_grad():
        for layer in (model.g_a[-1], model.h_a[-1]):
            layer.weight.mul_(8)
        for transform in model.cc_scale_transforms:
            transform[-1].bias.add_(0.4)
    model.update(force=True)
    return model


def test_sizes_are_the_paper_s():
    model = build(None)
    assert [m.weight.shape[:2] for m in model.g_a if isinstance(m, torch.nn.Conv2d)] == [
        (192, 3), (192, 192), (192, 192), (320, 192)
    ]  # fmt: skip
    inputs = [transform[0].weight.shape[1] for transform in model.cc_mean_transforms]
    assert inputs == [320, 352, 384, 416, 448, 480, 480, 480, 480, 480]
    assert model.lrp_transforms[9][0].weight.shape == (224, 512, 5, 5)


def test_complexity_at_the_paper_s_size():
    wanted = (("thop", "forward"), ("exact", "forward"))
    thop, operators = count_complexity(build(None), "minnen2020", 1, 64, 64, wanted=wanted)
    assert (thop.macs * 96, thop.parameters) == (318_457_774_080, 113_754_179)
    assert operators.macs * 96 == 228_350_398_464


@pytest.mark.parametrize("kernels", [(3, 3, 3), (5, 5, 3)])
def test_sizes_are_read_from_a_state(kernels):
    slicing = replace(SLICES, latent=40, slices=4, inner=(10, 6), kernels=kernels, most=2)
    model = Minnen2020(Widths(transforms=8, hyper=6, middle=9), slicing)
    again = build({"state_dict": {f"module.{key}": value for key, value in model.state_dict().items()}})
    assert again.slicing == slicing
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


@torch.no_grad()
def test_a_slice_sees_the_slices_before_it_and_no_more():
    model = lively(small())
    y, z_hat = torch.randn(1, 40, 8, 8), torch.randn(1, 16, 2, 2)

    def gaussians(y):
        seen = []
        estimator = Estimator(model.split(y), model.gaussian_conditional)

        def code(scales, means):
            seen.append(torch.cat((scales, means)))
            return estimator(scales, means)

        model.predict(model.hyper(z_hat), code)
        return seen

    plain = gaussians(y)
    for changed in range(10):
        other = y.clone()
        other[:, 4 * changed : 4 * changed + 4] += 3
        differ = [not torch.equal(a, b) for a, b in zip(plain, gaussians(other), strict=True)]
        assert differ == [changed < i and changed < 5 for i in range(10)]


@torch.no_grad()
def test_many_symbols_come_back_from_bytes_alone():
    model, x = lively(small()), torch.rand(2, 3, 256, 384)
    out, coded = model(x), model.compress(x)
    x_hat = model.decompress(coded["strings"], coded["shape"])["x_hat"]
    assert torch.equal(x_hat, out["x_hat"].clamp(0, 1))
    bits = sum(-likelihoods.log2().sum().item() for likelihoods in out["likelihoods"].values())
    assert sum(len(string) for strings in coded["strings"] for string in strings) * 8 == pytest.approx(bits, rel=0.03)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: {"g_a.0.conv1.weight": torch.zeros(1)}, "weights of another codec"),
        (lambda s: {k: v for k, v in s.items() if not k.startswith("cc_")}, "such as CompressAI's mbt2018"),
        (lambda s: s | {"extra": torch.zeros(1)}, "1 unexpected: extra"),
        (lambda s: {k: v for k, v in s.items() if not k.startswith("h_a.2")}, "part of the file is lost"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_the_likely_cause(change, said):
    with pytest.raises(ValueError, match=said):
        build(change(dict(small().state_dict())))
