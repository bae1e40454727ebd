"""HPCM against the numbers of the authors' code, its grids, tables, and what is said where weights do not fit."""

import numpy as np
import pytest
import torch

from adapters.hpcm import grids
from adapters.hpcm.generalised_gaussian import GeneralisedGaussian
from adapters.hpcm.model import FACTORS, build_base, build_large, small
from lic_bench.measurement.complexity import count_complexity


@pytest.mark.slow
@pytest.mark.parametrize(("size", "build"), [("base", build_base), ("large", build_large)])
def test_every_number_of_the_authors_code_comes_out(check_golden_run, size, build):
    check_golden_run(f"hpcm-{size}", build)


@pytest.fixture(scope="module")
def golden(conformance):
    return conformance.expected("hpcm-base")[1]


def test_the_passes_code_every_position_once_in_the_authors_order(golden):
    y = torch.arange(320 * 16 * 32, dtype=torch.float64).reshape(1, 320, 16, 32)
    model = small()
    passes = model.split(y)
    assert torch.equal(
        torch.cat([part.flatten() for part in passes]).long(), torch.from_numpy(golden["y_order"]).long()
    )
    assert torch.equal(model.join(passes), y)


def test_hyperparameters_of_the_half_grid_lie_where_the_authors_put_them(golden):
    source = torch.from_numpy(golden["s2_hyper_source"]).double()
    numbered = torch.arange(1, 320 * 16 * 32 + 1, dtype=torch.float64).reshape(1, 320, 16, 32)
    assert torch.equal(grids.misplaced_half(numbered) - 1, source)


def test_the_tables_are_the_authors(golden):
    model = GeneralisedGaussian()
    model.update()
    np.testing.assert_array_equal(model.scale_table, golden["scale_table"])
    np.testing.assert_array_equal(model.quantized_cdf, golden["quantized_cdf_y"])
    np.testing.assert_array_equal(model.cdf_length, golden["cdf_length_y"])
    np.testing.assert_array_equal(model.offset, golden["offset_y"])


@pytest.mark.parametrize(
    ("build", "thop_macs", "macs", "parameters"),
    [
        (build_base, 375_667_070_976, 361_192_396_800, 68_505_299),
        (build_large, 510_444_380_160, 495_969_705_984, 89_718_803),
    ],
)
def test_complexity_is_that_of_the_authors_code(build, thop_macs, macs, parameters):
    """At 768x512, less the last attention, whose result nothing uses: its convolutions, and its products."""
    convolutions, products = 2_516_582_400, 125_829_120
    wanted = (("thop", "forward"), ("exact", "forward"))
    thop, operators = count_complexity(build(None), "hpcm", 1, 256, 256, wanted=wanted)  # all is linear in the pixels
    assert (thop.macs * 6, operators.macs * 6) == (thop_macs - convolutions, macs - convolutions - products)
    assert operators.parameters == parameters
    assert thop.parameters == parameters - 9_600 - 2 * 256  # factors, z's means and scales


@pytest.fixture(scope="module")
def fresh():
    return small().state_dict()


def test_a_file_without_the_factors_of_the_steps_has_ones(conformance):
    weights = conformance.expected("hpcm-base")[0]["weights"]
    state = {f"module.{key}": value.float() for key, value in conformance.state_dict("hpcm-base", **weights).items()}
    lacking = {key: value for key, value in state.items() if FACTORS not in key}
    assert len(state) - len(lacking) == 10
    model = build_base(lacking)
    assert all(torch.equal(factors, torch.ones(1, 960, 1, 1)) for factors in model.adaptive_params_list)
    assert torch.equal(model.entropy_bottleneck.means, state["module.means_hyper"])
    with pytest.raises(ValueError, match=r"missing: adaptive_params_list\.9"):
        build_base({key: value for key, value in state.items() if not key.endswith("list.9")})
    with pytest.raises(ValueError, match="hpcm-base; this one is hpcm-large"):
        build_large(lacking)


def test_weights_of_another_codec_are_refused(fresh):
    with pytest.raises(ValueError, match="weights of another codec"):
        build_base({key: value for key, value in fresh.items() if "s3" not in key})


def test_what_was_kept_for_decoding_serves_training_too():
    model = small().train()
    with torch.inference_mode():
        model(torch.rand(1, 3, 256, 256))
    out = model(torch.rand(1, 3, 256, 256))
    sum(-likelihoods.log2().sum() for likelihoods in out["likelihoods"].values()).backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if not name.startswith("g_s"))
