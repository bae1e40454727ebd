"""DCAE against the numbers of the authors' code, and what is said where weights do not fit."""

import pytest
import torch

from adapters.dcae.model import build, small
from lic_bench.measurement.complexity import count_complexity


@pytest.mark.slow
def test_every_number_of_the_authors_code_comes_out(check_golden_run):
    check_golden_run("dcae", build)


def test_complexity_is_that_of_the_authors_code():
    """At 768x512, as all but the dictionary's keys is linear in the pixels. thop here has no softmax of 0.06 G MACs."""
    wanted = (("thop", "forward"), ("exact", "forward"), ("exact", "encode"), ("exact", "decode"))
    model = build(None)
    tiles = [count_complexity(model, "dcae", 1, 128, width, wanted=wanted) for width in (128, 256)]
    macs = [one.macs + 23 * (two.macs - one.macs) for one, two in zip(*tiles, strict=True)]
    softmax = 58_828_800
    assert macs == [426_923_844_608 - softmax, 378_804_751_360, 253_965_319_168, 252_932_979_712]
    assert tiles[0][0].parameters == 119_224_461
    assert tiles[0][1].parameters == 119_400_351


def test_a_side_of_one_window_is_coded():
    model = small()
    model.update()
    x = torch.rand(1, 3, 128, 256)
    coded = model.compress(x)
    x_hat = model.decompress(coded["strings"], coded["shape"])["x_hat"]
    torch.testing.assert_close(x_hat, model(x)["x_hat"].clamp(0, 1))


@pytest.mark.parametrize(
    ("lost", "said"), [("dt", "weights of another codec"), ("h_z_s1.2.conv.bias", "part of the file is lost")]
)
def test_a_state_that_does_not_fit_is_refused_with_the_likely_cause(lost, said):
    state = small().state_dict()
    del state[lost]
    with pytest.raises(ValueError, match=said):
        build(state)
