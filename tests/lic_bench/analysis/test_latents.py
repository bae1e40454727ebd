"""Of every learned codec here, with few channels."""

from dataclasses import replace

import pytest
import torch
from compressai.models import FactorizedPrior
from torch import nn

from lic_bench.analysis.deviation import deviation_of
from lic_bench.analysis.latents import Latents, take_latents
from lic_bench.analysis.networks import Network
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.padding import pad
from lic_bench.codecs.registry import find_codecs, load_target, resolve_codec
from lic_bench.errors import UserError
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.spec import CodecSpec, Padding

SPECS = {name: spec for name, spec in find_codecs().items() if spec.small}
FAMILIES = list({spec.small: name for name, spec in SPECS.items()}.values())
PADDING = Padding(multiple=64, place="corner")
SLICES = {"cheng2020-parallel": 1, "minnen2020": 10}


def network_of(spec: CodecSpec) -> Network:
    torch.manual_seed(0)
    module = load_target(spec.small)()
    assert isinstance(module, nn.Module)
    assert spec.padding
    return Network(spec, 1, NetworkCodec(module, spec.padding), "random", torch.device("cpu"))


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.from_numpy(draw_sample(1, 128, 100).copy()).permute(2, 0, 1)[None].float() / 255


def latents_of(network: Network, image: torch.Tensor) -> Latents:
    return take_latents(network, pad(image, network.codec.padding))


@pytest.mark.parametrize("name", FAMILIES)
def test_bits_by_slice_add_up_to_the_codecs_estimate(name: str, image: torch.Tensor) -> None:
    network = network_of(SPECS[name])
    latents = latents_of(network, image)
    pixels = image.shape[2] * image.shape[3]
    deviation = deviation_of(latents, pixels)
    assert sum(deviation.slice_bpp) + deviation.z_bpp == pytest.approx(network.codec.estimate(image)[1], rel=1e-5)
    assert len(deviation.slice_bpp) == SLICES.get(name, len(deviation.slice_bpp))
    assert deviation.map.shape == latents.y.shape[1:]
    assert latents.y.shape == latents.y_hat.shape == latents.means.shape == latents.scales.shape
    assert (latents.scales > 0).all()
    assert 0 < (latents.y_hat - latents.y).abs().max() <= 1 + 1e-4  # half a step, and half of what some codecs add


def test_lalic_rounds_about_its_means(image: torch.Tensor) -> None:
    latents = latents_of(network_of(resolve_codec("lalic")), image)
    torch.testing.assert_close(latents.y_hat, torch.round(latents.y - latents.means) + latents.means)
    assert len(latents.slice_bits) == 3


def test_the_deviation_is_a_share_of_y(image: torch.Tensor) -> None:
    latents = latents_of(network_of(resolve_codec("lalic")), image)
    twice = Latents(
        y=2 * latents.y,
        y_hat=3 * latents.y,
        means=latents.means,
        scales=latents.scales,
        slice_bits=(8.0, 2.0),
        z_bits=4.0,
    )
    found = deviation_of(twice, 2)
    assert found.total == pytest.approx(0.5)
    assert (found.slice_bpp, found.z_bpp) == ((4, 1), 2)


def test_a_network_without_gaussians_is_refused(image: torch.Tensor) -> None:
    spec = replace(SPECS["elic"], phases={})
    network = replace(network_of(SPECS["elic"]), spec=spec, codec=NetworkCodec(FactorizedPrior(8, 12).eval(), PADDING))
    with pytest.raises(UserError, match="is not coded by Gaussians"):
        latents_of(network, image)
