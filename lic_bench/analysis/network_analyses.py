"""The analyses of networks by name: what is computed of each, what is drawn of all, which numbers are kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lic_bench.analysis.deviation import Deviation, deviation_of
from lic_bench.analysis.effective_receptive_field import Field, receptive_fields, smallest_area
from lic_bench.analysis.figures.correlations import correlations_figure
from lic_bench.analysis.figures.deviations import deviations_figure
from lic_bench.analysis.figures.receptive_fields import SHARES, receptive_fields_figure
from lic_bench.analysis.latent_correlation import latent_correlation
from lic_bench.analysis.latents import take_latents
from lic_bench.analysis.networks import Network
from lic_bench.errors import UserError
from lic_bench.images.image_file import Image, read_image
from lic_bench.spec import CodecSpec

Images = Mapping[str, Image]  # by data set and name
Arrays = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Analysed:
    """What came out of one network. about, title: of `analysis.networks.Network`."""

    codec: str
    about: Mapping[str, Any]
    title: str
    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAnalysis:
    """compute: what a network gives on the images. draw: the figure of all. numbers: of a result, for JSON; arrays:
    what of it is larger. limit, crop: of the images, where the user gives none. check: raises UserError for images that
    do not fit a codec.
    """

    compute: Callable[[Network, Images], Any]
    draw: Callable[[Sequence[Analysed], Images], Figure]
    numbers: Callable[[Any], Any]
    arrays: Callable[[Any], Arrays] = lambda _: {}
    limit: int | None = None
    crop: int | None = None
    check: Callable[[CodecSpec, Images], None] = lambda *_: None


def _fields(network: Network, images: Images) -> dict[str, Field]:
    named = {"g_a": network.part("g_a"), "g_a and h_a": network.part("h_a")}
    parts = {name: part for name, part in named.items() if part is not None}
    if "g_a" not in parts:
        raise UserError(f"Codec {network.spec.name!r} names no g_a; its SPEC's phases can name it.")
    return receptive_fields(network.codec.module, parts, map(network.padded, images.values()))


def _check_size(spec: CodecSpec, images: Images) -> None:
    """Fields are averaged over images of one size, which are not padded."""
    (first, like), *others = images.items()
    size = like.width, like.height
    if other := next((name for name, image in others if (image.width, image.height) != size), None):
        raise UserError(f"{other} has not the size of {first}, {size[0]} x {size[1]}; choose a smaller --crop.")
    multiple = spec.padding.multiple if spec.padding else 1
    if any((side or 0) % multiple for side in size):
        raise UserError(
            f"{first} is {size[0]} x {size[1]} and {spec.name} takes multiples of {multiple}; choose such a --crop."
        )


def _draw_fields(networks: Sequence[Analysed], _: Images) -> Figure:
    return receptive_fields_figure([network.title for network in networks], [network.result for network in networks])


def _areas(fields: Mapping[str, Field]) -> Any:
    shares = {name: {f"{share:.0%}": smallest_area(field, share) for share in SHARES} for name, field in fields.items()}
    return {"smallest_area_share_of_pixels": shares}


def _correlation(network: Network, images: Images) -> NDArray[np.float64]:
    latents = (take_latents(network, network.padded(image)) for image in images.values())
    return latent_correlation(latents).numpy()


def _draw_correlations(networks: Sequence[Analysed], _: Images) -> Figure:
    return correlations_figure([network.title for network in networks], [network.result for network in networks])


def _deviations(network: Network, images: Images) -> dict[str, Deviation]:
    return {
        name: deviation_of(take_latents(network, network.padded(image)), (image.width or 0) * (image.height or 0))
        for name, image in images.items()
    }


def _draw_deviations(networks: Sequence[Analysed], images: Images) -> Figure:
    return deviations_figure(
        [network.title for network in networks],
        [network.codec for network in networks],
        {name: read_image(image) for name, image in images.items()},
        [network.result for network in networks],
    )


def _without_maps(deviations: Mapping[str, Deviation]) -> Any:
    return {name: {k: v for k, v in asdict(of).items() if k != "map"} for name, of in deviations.items()}


ANALYSES: Mapping[str, NetworkAnalysis] = {
    "erf": NetworkAnalysis(
        compute=_fields,
        draw=_draw_fields,
        numbers=_areas,
        arrays=lambda fields: fields,
        crop=512,
        check=_check_size,
    ),
    "correlation": NetworkAnalysis(
        compute=_correlation, draw=_draw_correlations, numbers=lambda values: {"correlation": values.tolist()}
    ),
    "deviation": NetworkAnalysis(
        compute=_deviations,
        draw=_draw_deviations,
        numbers=_without_maps,
        arrays=lambda deviations: {name: of.map for name, of in deviations.items()},
        limit=2,
    ),
}
