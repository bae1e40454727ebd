"""The headers of a Cool-chic 3.1 stream, and its parts: networks and latents, still entropy-coded."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from lic_bench.errors import UserError

NETWORKS = ("arm_weight", "arm_bias", "upsampling_weight", "upsampling_bias", "synthesis_weight", "synthesis_bias")
LEFT_OUT = "upsampling_bias"  # which no stream has
ABSENT = 255  # as a quantisation step's index: this part does not exist
ACTIVATIONS = ("none", "relu", "leaky-relu", "gelu")
STEPS = {"arm": 8, "upsampling": 17, "synthesis": 17}  # number of quantisation steps
SCALES = 41
MOST_PARAMETERS = 1 << 20  # of all networks; the released streams have at most 2,108
NARROWEST = 5  # the order of the latents in narrower grids is not settled: the authors' own decoder fails there


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution of the synthesis. kernel: its side, odd. residual: whether its input is added. activation: last."""

    inputs: int
    outputs: int
    kernel: int
    residual: bool
    activation: str


@dataclass(frozen=True, slots=True)
class Part:
    """The symbols of a network's weights or biases. step, scale: indexes of the format's tables."""

    data: bytes
    step: int
    scale: int


@dataclass(frozen=True, slots=True)
class Grid:
    """One map of latents; without data all are 0."""

    height: int
    width: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One picture, as far as it is read without an entropy decoder.

    context: inputs of the context model, also the width of its `hidden_layers`. kernel: side of the upsampling's.
    network_range, latent_range: symbols are from minus that to that and 1. maps: grids of each resolution, the largest
    first; grids: all of them in this order.
    """

    height: int
    width: int
    context: int
    hidden_layers: int
    kernel: int
    layers: tuple[Layer, ...]
    network_range: int
    latent_range: int
    parts: dict[str, Part]
    maps: tuple[int, ...]
    grids: tuple[Grid, ...]

    def size_at(self, level: int) -> tuple[int, int]:
        """Height and width of the grids of a resolution, 0 the largest."""
        return _size_at(level, self.height, self.width)

    def parameters(self) -> dict[str, int]:
        """Part -> the number of its parameters."""
        weights = (layer.outputs * layer.inputs * layer.kernel**2 for layer in self.layers)
        return {
            "arm_weight": self.hidden_layers * self.context**2 + 2 * self.context,
            "arm_bias": self.hidden_layers * self.context + 2,
            "upsampling_weight": self.kernel**2,
            "synthesis_weight": sum(weights),
            "synthesis_bias": sum(layer.outputs for layer in self.layers),
        }


def damaged(why: str) -> UserError:
    """The error for bytes that are no stream."""
    return UserError(f"The Cool-chic stream is damaged: {why}.")


def read_stream(data: bytes) -> Stream:
    """The headers and parts of a stream of one RGB picture of 8 bits.

    Raises UserError for anything else: a damaged stream, a video, another colour type, a network that is not 3.1's.
    """
    reader = _Reader(data)
    height, width = _picture_size(reader)
    at = reader.place
    size, display = reader.number(2), reader.number(1)
    if display != 0:
        raise _unsupported(f"a frame with the display index {display}", "0, of a single picture")
    nibbles = reader.number(1)
    context, hidden_layers = 8 * (nibbles >> 4), nibbles & 15
    if context not in (8, 16, 24, 32):
        raise _unsupported(f"a context model of {context} inputs", "8, 16, 24 or 32")
    kernel = _upsampling_kernel(reader.number(1))
    layers = [_raw_layer(reader) for _ in range(reader.number(1))]
    reader.number(1)  # flow gain, of video
    network_range, latent_range = reader.number(2), reader.number(2)
    steps, scales, sizes = _network_tables(reader)
    maps, grid_bytes = _latent_tables(reader)
    if reader.place - at != size:
        raise damaged(f"its frame header has {reader.place - at} bytes and says {size}")
    parts = {name: Part(reader.take(sizes[name]), steps[name], scales[name]) for name in sizes}
    stream = Stream(
        height=height,
        width=width,
        context=context,
        hidden_layers=hidden_layers,
        kernel=kernel,
        layers=_joined(layers, sum(maps)),
        network_range=network_range,
        latent_range=latent_range,
        parts=parts,
        maps=maps,
        grids=tuple(Grid(*_size_at(level, height, width), reader.take(count)) for level, count in grid_bytes),
    )
    _check_whole(stream, reader)
    return stream


class _Reader:
    """Takes numbers, big-endian, and bytes in their order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, count: int) -> bytes:
        if self.left < count:
            raise damaged(f"it ends after {len(self.data)} bytes, {count - self.left} too early")
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count))

    @property
    def left(self) -> int:
        return len(self.data) - self.place


def _unsupported(what: str, allowed: str) -> UserError:
    return UserError(f"The Cool-chic stream has {what}; this decoder takes {allowed}.")


def _picture_size(reader: _Reader) -> tuple[int, int]:
    size, height, width, format_, intra, predicted = (reader.number(count) for count in (2, 2, 2, 1, 1, 1))
    if size != reader.place or not height or not width:
        raise damaged(f"it begins with a header of {size} bytes and a picture of {width}x{height}")
    if format_:
        raise _unsupported(f"pictures of bit depth and colour type {format_:#04x}", "0x00: RGB of 8 bits")
    if intra or predicted:
        raise _unsupported(f"frames of a video (periods {intra} and {predicted})", "single pictures")
    return height, width


def _upsampling_kernel(byte: int) -> int:
    kernel, static = divmod(byte, 2)
    if static:
        raise _unsupported("a static upsampling kernel", "learned ones, as in all released streams")
    if kernel < 2 or kernel % 2:
        raise _unsupported(f"an upsampling kernel of {kernel}x{kernel}", "even sides from 2 on")
    return kernel


def _raw_layer(reader: _Reader) -> tuple[int, int, bool, str]:
    """Output features, kernel, residual, activation."""
    outputs, kernel, kind = (reader.number(1) for _ in range(3))
    mode, activation = divmod(kind, 16)
    if not outputs or kernel % 2 == 0 or mode > 1 or activation >= len(ACTIVATIONS):
        raise damaged(f"a synthesis layer of {outputs} features, kernel {kernel}, kind {kind:#04x}")
    return outputs, kernel, mode == 1, ACTIVATIONS[activation]


def _joined(raw: list[tuple[int, int, bool, str]], inputs: int) -> tuple[Layer, ...]:
    """The layers, each with the outputs of the one before as inputs."""
    layers = []
    for outputs, kernel, residual, activation in raw:
        if residual and outputs != inputs:
            raise damaged(f"a residual synthesis layer from {inputs} to {outputs} features")
        layers.append(Layer(inputs, outputs, kernel, residual, activation))
        inputs = outputs
    if inputs < 3 or not layers:
        raise damaged(f"its {len(layers)} synthesis layers give {inputs} features, no RGB")
    return tuple(layers)


def _network_tables(reader: _Reader) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Part -> index of its step, index of its scale, number of its bytes."""
    steps = {name: reader.number(1) for name in NETWORKS}
    there = {name: step for name, step in steps.items() if step != ABSENT}
    if set(there) != set(NETWORKS) - {LEFT_OUT}:
        raise _unsupported(f"the networks {', '.join(there) or 'none'}", f"all but {LEFT_OUT}")
    scales, sizes = {name: reader.number(1) for name in there}, {name: reader.number(2) for name in there}
    for name in there:
        if there[name] >= STEPS[name.partition("_")[0]] or scales[name] >= SCALES:
            raise damaged(f"{name} has the step {there[name]} and the scale {scales[name]}, which no table has")
    return there, scales, sizes


def _latent_tables(reader: _Reader) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Maps of each resolution; of each grid its resolution and the number of its bytes."""
    resolutions, count = reader.number(1), reader.number(1)
    maps = tuple(reader.number(1) for _ in range(resolutions))
    if not maps or 0 in maps or sum(maps) != count:
        raise damaged(f"{count} grids in resolutions of {', '.join(map(str, maps)) or 'none'}")
    return maps, [(level, reader.number(3)) for level, of_level in enumerate(maps) for _ in range(of_level)]


def _size_at(level: int, height: int, width: int) -> tuple[int, int]:
    return ceil(height / 2**level), ceil(width / 2**level)


def _check_whole(stream: Stream, reader: _Reader) -> None:
    if reader.left:
        raise damaged(f"{reader.left} bytes follow its end")
    if narrow := min((grid.width for grid in stream.grids if grid.data), default=NARROWEST) < NARROWEST:
        raise _unsupported(f"coded grids {narrow} wide", f"grids of {NARROWEST} and more")
    if (count := sum(stream.parameters().values())) > MOST_PARAMETERS:
        raise damaged(f"its networks have {count} parameters")
