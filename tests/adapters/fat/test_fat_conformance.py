"""The released network, weights made by rule, against the authors' code: every number in float64."""

import hashlib
import json

import pytest
import torch

from adapters.fat.codec import FAT
from adapters.fat.model import build
from lic_bench.measurement.complexity import count_complexity

pytestmark = pytest.mark.slow


def bits(likelihoods):
    return -likelihoods.log2().sum().item()


def test_weights_are_read_in_double_precision(golden):
    assert all(p.dtype == torch.float64 for p in golden.model.parameters())


def test_bits(golden):
    expected, likelihoods = golden.expected["bits"], golden.out["likelihoods"]
    assert bits(likelihoods["y"]) == pytest.approx(expected["y"], rel=1e-9)
    assert bits(likelihoods["z"]) == pytest.approx(expected["z"], rel=1e-9)
    slices = [bits(part) for part in likelihoods["y"].chunk(5, 1)]
    assert slices == pytest.approx(expected["y_slices"], rel=1e-9)


def test_latents_gaussians_and_reconstruction(golden):
    taps, arrays = golden.taps, golden.arrays
    got = {"y": taps["g_a.9"], "z": taps["h_a.3"], "x_hat": golden.out["x_hat"]}
    for name, value in got.items():
        torch.testing.assert_close(value, arrays[name].double(), rtol=2e-6, atol=2e-6)
    means, scales, _ = taps["tca.entropy_parameters_net.4"].unflatten(1, (-1, 3)).unbind(2)
    torch.testing.assert_close(means, arrays["means_float64"], rtol=0, atol=1e-11)
    torch.testing.assert_close(scales, arrays["scales_float64"], rtol=0, atol=1e-11)
    assert torch.equal(taps["g_a.9"].round(), arrays["y_symbols"].double())


def test_every_layer(golden):
    layers = golden.expected["details"]["layers"]
    assert set(golden.taps) == set(layers)
    for name, layer in layers.items():
        got = golden.taps[name]
        assert got.numel() == torch.Size(layer["shape"]).numel(), name
        assert got.mean().item() == pytest.approx(layer["mean"], rel=1e-9, abs=1e-11), name
        assert got.std(correction=0).item() == pytest.approx(layer["std"], rel=1e-9), name
        if ".2.trans_block.attns." not in name:  # noted by the authors' code before it is rolled back
            first = got.contiguous().flatten()[:8].tolist()
            assert first == pytest.approx(layer["first8"], rel=1e-9, abs=1e-11), name


def test_the_authors_format_byte_for_byte_and_back(golden, monkeypatch):
    model, arrays = golden.model, golden.arrays
    monkeypatch.setattr(model, "entropy_coder", "range-coder")
    coded = model.compress(golden.x)
    digests = [hashlib.sha256(string).hexdigest() for [string] in coded["strings"]]
    assert digests == [entry["sha256"] for entry in golden.expected["strings"]]
    coding = golden.expected["details"]["coding"]
    assert coded["shape"] == [*coding["z_shape"], coding["minmax"]]
    strings = [[arrays[name].numpy().tobytes()] for name in ("y_string", "z_string")]
    received = []
    handle = model.g_s.register_forward_pre_hook(lambda _m, args: received.append(args[0]))
    x_hat = model.decompress(strings, coded["shape"])["x_hat"]
    handle.remove()
    torch.testing.assert_close(received[0], arrays["y_hat"].double(), rtol=2e-6, atol=2e-6)
    torch.testing.assert_close(x_hat, golden.out["x_hat"].clamp(0, 1), rtol=0, atol=1e-12)


def test_rans_is_within_a_percent_and_gives_the_same_picture(golden):
    coded = golden.model.compress(golden.x)
    (y_string,), (z_string,) = coded["strings"]
    expected = {entry["name"]: entry for entry in golden.expected["strings"]}
    assert len(y_string) == pytest.approx(expected["y"]["bytes"], rel=0.01)
    assert hashlib.sha256(z_string).hexdigest() == expected["z"]["sha256"]
    x_hat = golden.model.decompress(coded["strings"], coded["shape"])["x_hat"]
    torch.testing.assert_close(x_hat, golden.out["x_hat"].clamp(0, 1), rtol=0, atol=1e-12)


def test_thop_counts_what_it_counts_of_the_authors_network(conformance):
    expected = json.loads((conformance.HERE / "fat.complexity.json").read_text())
    height, width = expected["input"][2:]
    pixels = 256 * 256  # everything is proportional to the pixels
    wanted = (("thop", "forward"), ("exact", "forward"))
    rows = {row.counter: row for row in count_complexity(build(None), "fat", 1, 256, 256, wanted=wanted)}
    macs = {name: row.macs * height * width / pixels for name, row in rows.items()}
    assert macs["thop"] == expected["thop_macs_G"] * 1e9
    assert rows["thop"].parameters == expected["thop_params_M"] * 1e6
    exact = sum(expected["macs_split_G"].values()) - expected["macs_split_G"]["layernorm_at_4_per_element"]
    exact += expected["not_in_thop_G"]["gdn_1x1_convolutions"] + expected["not_in_thop_G"]["attention_matrix_products"]
    assert macs["exact"] == pytest.approx(exact * 1e9, rel=1e-8)


def test_spec_names_this_network():
    assert FAT.load == f"{build.__module__}:{build.__name__}"
    assert [FAT.checkpoints[q].lmbda for q in FAT.qualities] == [0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483]
