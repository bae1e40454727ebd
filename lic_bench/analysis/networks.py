"""The networks that are analysed, one in memory at a time, and the images as these get them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lic_bench.codecs.loading import RANDOM, load_codec
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.codecs.padding import pad
from lic_bench.codecs.pixels import to_tensor
from lic_bench.images.image_file import Image, read_image
from lic_bench.measurement.phase_times import find_phase_calls
from lic_bench.report.labels import codec_label
from lic_bench.run.options import Options, parse_qualities
from lic_bench.run.preparation import Session
from lic_bench.spec import CodecSpec


@dataclass(frozen=True, slots=True)
class Network:
    """A learned codec at one quality. weights: as in a Record."""

    spec: CodecSpec
    quality: int
    codec: NetworkCodec
    weights: str | None
    device: torch.device

    @property
    def name(self) -> str:
        """Of its numbers."""
        return f"{self.spec.name}-q{self.quality}"

    @property
    def title(self) -> str:
        """Of its panels; random weights are said, as what is drawn then tells of the architecture alone."""
        return panel_title(self.spec.name, self.quality, self.weights)

    @property
    def about(self) -> dict[str, Any]:
        """What says which network it is."""
        return {"codec": self.spec.name, "quality": self.quality, "weights": self.weights}

    def part(self, name: str) -> nn.Module | None:
        """The submodule that the SPEC calls g_a, h_a or g_s; None if it names none."""
        return parts_of(self.codec.module, self.spec).get(name)

    def padded(self, image: Image) -> Tensor:
        """The image [1, 3, H, W] in [0, 1], padded with zeros as the codec codes it."""
        return pad(to_tensor(read_image(image)).to(self.device), self.codec.padding)


def panel_title(codec: str, quality: int, weights: str | None) -> str:
    """Codec and quality, and in a second line that the weights are random, if they are."""
    random = "\n(random weights)" if has_random_weights(weights) else ""
    return f"{codec_label(codec)}, quality {quality}{random}"


def has_random_weights(weights: str | None) -> bool:
    """Whether a Record's `weights` are none that were trained."""
    return (weights or "").startswith(RANDOM)


def parts_of(module: nn.Module, spec: CodecSpec) -> dict[str, nn.Module]:
    """Phase of the SPEC -> its submodule, the first of several."""
    calls = [call for call in find_phase_calls(module, spec.phases) if call.method is None]
    return {call.phase: call.module for call in reversed(calls)}


def load_networks(session: Session, options: Options) -> Iterator[Network]:
    """The session's codecs at the qualities asked for, without these in the middle of their ladders."""
    asked = parse_qualities(options.qualities, session.specs)
    for spec in session.specs:
        ladder = session.config.qualities[spec.name]
        device = session.device if session.device.type in spec.devices else torch.device("cpu")
        for quality in ladder if spec.name in asked else (ladder[len(ladder) // 2],):
            loaded = load_codec(spec, quality, session.files.get(spec.name, {}).get(quality), device)
            assert isinstance(loaded.codec, NetworkCodec)
            loaded.codec.module.requires_grad_(False)
            yield Network(spec, quality, loaded.codec, loaded.weights, device)
