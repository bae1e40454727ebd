"""LPIPS and DISTS: distances between the activations of networks trained on photographs.

The network's weights are the user's file, of torchvision's AlexNet or VGG-16; the few weights of the metric itself
come with its authors' package. Nothing is downloaded.
"""

import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lic_bench.codecs.checkpoint_file import read_checkpoint
from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.colour import Pixels
from lic_bench.measurement.perceptual.dists import Dists
from lic_bench.measurement.perceptual.packages import need_package

NETWORKS = {"lpips": ("alex", "vgg"), "dists": ("vgg",)}
PACKAGES = {"lpips": ("lpips", "lpips"), "dists": ("dists-pytorch", "DISTS_pytorch")}
FIRST_LAYER: dict[tuple[int, ...], str] = {(64, 3, 11, 11): "alex", (64, 3, 3, 3): "vgg"}
NAMES = {"alex": "AlexNet", "vgg": "VGG-16"}


def implementation(name: str, weights: Mapping[str, Path]) -> str:
    """Package, network, its file and that one's sha256. Raises UserError if one is missing or no file was given."""
    package = need_package(*PACKAGES[name])
    allowed = " or ".join(NAMES[network] for network in NETWORKS[name])
    if name not in weights:
        raise UserError(f"{name} needs the weights of torchvision's {allowed}: name their file, {name}=FILE.")
    network = _network(_features(name, weights[name]))
    return f"{package}, {NAMES[network]}, {weights[name]}, sha256 {sha256_of(weights[name])}"


@torch.no_grad()
def measure(
    original: Pixels, decoded: Pixels, names: Sequence[str], weights: Mapping[str, Path]
) -> dict[str, float | None]:
    """0 for identical pictures."""
    pair = _tensor(original), _tensor(decoded)
    return {name: float(_model(name, weights[name], sha256_of(weights[name]))(*pair)) for name in names}


def _tensor(pixels: Pixels) -> Tensor:
    """[1, 3, H, W] in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float()[None] / 255


@lru_cache(maxsize=2)
def _model(name: str, path: Path, _sha256: str) -> Any:
    """What takes two tensors and returns the distance."""
    return (_lpips if name == "lpips" else _dists)(_features(name, path))


def _lpips(features: Mapping[str, Tensor]) -> Any:
    from lpips import LPIPS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses an old name of an option of torchvision
        model = LPIPS(net=_network(features), pnet_rand=True, verbose=False)
    backbone = model.net.state_dict()  # the same tensors in the same order, under other names
    model.net.load_state_dict(dict(zip(backbone, features.values(), strict=True)))
    return lambda x, y: model(x, y, normalize=True)


def _dists(features: Mapping[str, Tensor]) -> Dists:
    spec = find_spec(PACKAGES["dists"][1])
    assert spec is not None
    assert spec.origin is not None
    own = read_checkpoint(Path(spec.origin).with_name("weights.pt"))
    return Dists(list(features.values()), own["alpha"], own["beta"])


def _features(name: str, path: Path) -> dict[str, Tensor]:
    """The convolutions' weights and biases of the user's file. Raises UserError if it is of another network."""
    prefix = "features."
    features = {key: value for key, value in read_checkpoint(path).items() if key.startswith(prefix)}
    allowed = NETWORKS[name]
    if (
        not features
        or _network(features) not in allowed
        or len(features) != {"alex": 10, "vgg": 26}[_network(features)]
    ):
        wanted = " or ".join(NAMES[network] for network in allowed)
        raise UserError(f"{path} holds no weights of torchvision's {wanted}, which {name} compares by; name its file.")
    return features


def _network(features: Mapping[str, Tensor]) -> str:
    """By the shape of its first convolution; empty for neither."""
    return FIRST_LAYER.get(tuple(features.get("features.0.weight", torch.empty(0)).shape), "")
