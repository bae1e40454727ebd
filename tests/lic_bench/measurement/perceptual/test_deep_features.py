import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.deep_features import implementation, measure


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of networks that nobody trained, without the classifiers; seeded."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    vgg = torchvision.models.vgg
    networks = {"alex": torchvision.models.alexnet().features, "vgg": vgg.make_layers(vgg.cfgs["D"])}
    for name, features in networks.items():
        torch.save(nn.ModuleDict({"features": features}).state_dict(), folder / f"{name}.pth")
    return {"alex": folder / "alex.pth", "vgg": folder / "vgg.pth"}


@pytest.mark.parametrize(
    ("name", "network"),
    [("lpips", "alex"), pytest.param("lpips", "vgg", marks=pytest.mark.slow), ("dists", "vgg")],
)
def test_zero_for_identical_pictures_and_grows(
    name: str, network: str, weights: dict[str, Path], original: np.ndarray, decoded: np.ndarray
) -> None:
    pytest.importorskip("lpips", reason="the extra perceptual is not installed")
    pytest.importorskip("DISTS_pytorch", reason="the extra perceptual is not installed")
    x, y = original[:64, :64], decoded[:64, :64]
    same, near, far = (measure(x, picture, [name], {name: weights[network]})[name] for picture in (x, y, y // 2))
    assert same == pytest.approx(0, abs=1e-5)
    assert near is not None
    assert far is not None
    assert 0 < near < far


def test_lpips_by_its_formula(weights: dict[str, Path], original: np.ndarray, decoded: np.ndarray) -> None:
    """The user's weights are those it computes with: each in its place."""
    lpips = pytest.importorskip("lpips", reason="the extra perceptual is not installed")
    network = torchvision.models.alexnet().features
    network.load_state_dict({k[9:]: v for k, v in torch.load(weights["alex"], weights_only=True).items()})
    linear = torch.load(Path(lpips.__file__).parent / "weights/v0.1/alex.pth", map_location="cpu", weights_only=True)
    total = 0.0
    x, y = (
        (torch.from_numpy(p[:64, :64].copy()).permute(2, 0, 1)[None] / 127.5 - 1 - torch.tensor(SHIFT))
        / torch.tensor(SCALE)
        for p in (original, decoded)
    )
    with torch.no_grad():
        for layer in range(12):
            x, y = network[layer](x), network[layer](y)
            if layer in (1, 4, 7, 9, 11):
                unit = [a / a.norm(dim=1, keepdim=True) for a in (x, y)]
                factor = linear[f"lin{(1, 4, 7, 9, 11).index(layer)}.model.1.weight"]
                total += float(((unit[0] - unit[1]) ** 2 * factor).sum(1).mean())
    measured = measure(original[:64, :64], decoded[:64, :64], ["lpips"], {"lpips": weights["alex"]})["lpips"]
    assert measured == pytest.approx(total, rel=1e-4)


SHIFT = [[[-0.030]], [[-0.088]], [[-0.188]]]  # of LPIPS's scaling layer
SCALE = [[[0.458]], [[0.448]], [[0.450]]]


def test_dists_by_the_authors_code(
    weights: dict[str, Path], original: np.ndarray, decoded: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    authors = pytest.importorskip("DISTS_pytorch.DISTS_pt", reason="the extra perceptual is not installed")
    vgg = torchvision.models.vgg
    network = nn.ModuleDict({"features": vgg.make_layers(vgg.cfgs["D"])})
    network.load_state_dict(torch.load(weights["vgg"], weights_only=True))
    monkeypatch.setattr(
        torchvision.models, "vgg16", lambda **_: SimpleNamespace(features=network["features"])
    )  # it would download one
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = authors.DISTS(load_weights=False)
    trained = torch.load(Path(authors.__file__).with_name("weights.pt"), weights_only=True)
    model.alpha.data, model.beta.data = trained["alpha"], trained["beta"]
    x, y = (torch.from_numpy(p[:64, :80].copy()).permute(2, 0, 1)[None] / 255 for p in (original, decoded))
    measured = measure(original[:64, :80], decoded[:64, :80], ["dists"], {"dists": weights["vgg"]})["dists"]
    assert measured == pytest.approx(model(x, y).item(), abs=1e-6)


def test_implementation_has_network_file_and_hash(weights: dict[str, Path]) -> None:
    pytest.importorskip("lpips", reason="the extra perceptual is not installed")
    said = implementation("lpips", {"lpips": weights["alex"]})
    assert said.startswith("lpips 0.1.4, AlexNet, ")
    assert str(weights["alex"]) in said
    assert len(said.split("sha256 ")[1]) == 64


def test_without_a_file_it_says_whose(weights: dict[str, Path]) -> None:
    pytest.importorskip("DISTS_pytorch", reason="the extra perceptual is not installed")
    with pytest.raises(
        UserError, match=r"^dists needs the weights of torchvision's VGG-16: name their file, dists=FILE"
    ):
        implementation("dists", {"lpips": weights["alex"]})


def test_another_networks_weights_are_refused(weights: dict[str, Path]) -> None:
    pytest.importorskip("DISTS_pytorch", reason="the extra perceptual is not installed")
    with pytest.raises(UserError, match=r"alex.pth holds no weights of torchvision's VGG-16, which dists compares by"):
        implementation("dists", {"dists": weights["alex"]})
