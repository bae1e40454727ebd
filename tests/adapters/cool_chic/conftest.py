"""Writing small Cool-chic streams: the format's facts once more, in plain Python, as its encoder would have them."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import cache
from math import ceil
from types import SimpleNamespace

import numpy as np
import pytest

WINDOWS = {
    8: (21, 22, 30, 31, 32, 33, 38, 39),
    16: (13, 14, *range(20, 25), *range(28, 34), 37, 38, 39),
    24: (4, *range(11, 16), *range(19, 26), *range(28, 35), *range(36, 40)),
    32: (*range(2, 6), *range(10, 17), *range(19, 27), *range(27, 36), *range(36, 40)),
}
SCALE, NETWORK_RANGE = 8, 400  # index of the scale 1 of the networks' symbols


def left(symbol: int, a: int, mean: float, scale: float) -> int:
    """The sum of the frequencies below a symbol; 0 / 0 is not a number, and that is 0."""
    if symbol in (-a, a + 2):
        return (symbol > 0) << 24
    distance = symbol - 0.5 - mean
    with np.errstate(all="ignore"):
        ratio = np.float64(distance) / np.float64(scale)
    cdf = 0.5 * np.exp(ratio) if distance <= 0 else 1 - 0.5 * np.exp(-ratio)
    return int(np.nan_to_num((2**24 - 1 - (2 * a + 1)) * cdf)) + symbol + a


class RangeEncoder:
    """Its low end is a whole number of any length, so that nothing has to be carried."""

    def __init__(self) -> None:
        self.low, self.range, self.words = 0, 2**64 - 1, 2

    def write(self, symbol: int, a: int, mean: float, scale: float) -> None:
        unit, start = self.range >> 24, left(symbol, a, mean, scale)
        self.low += unit * start
        self.range = unit * (left(symbol + 1, a, mean, scale) - start)
        if self.range < 2**32:
            self.low, self.range, self.words = self.low << 32, self.range << 32, self.words + 1

    def bytes(self) -> bytes:
        point = self.low + self.range // 2
        words = [point >> 32 * (self.words - 1 - n) & 0xFFFFFFFF for n in range(self.words)]
        return struct.pack(f"<{self.words}I", *words)


def predicted(context: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]) -> tuple[float, float]:
    """Mean and scale, both rounded. weights, biases: of each layer, in multiples of 1/64 and 1/4096."""
    x = 64 * context.astype(object)
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = np.maximum(0, (weight.astype(object) @ x + bias + 64 * x + 32) // 64)
    mean, inverse = (weights[-1].astype(object) @ x + biases[-1] + 32) // 64
    scale = math.exp(-min(max(inverse / 64, -10), 13.8155) / 2)
    return mean / 64, round(scale * 128) / 128


def encoded_grid(latents: np.ndarray, a: int, weights: list[np.ndarray], biases: list[np.ndarray]) -> bytes:
    coder, padded = RangeEncoder(), np.pad(latents, 4)
    window = WINDOWS[weights[0].shape[1]]
    order = sorted(np.ndindex(*latents.shape), key=lambda place: (place[1] + 5 * place[0], place[0]))
    for row, column in order:
        context = np.array([padded[row + place // 9, column + place % 9] for place in window])
        coder.write(int(latents[row, column]), a, *predicted(context, weights, biases))
    return coder.bytes()


@dataclass
class Written:
    """A stream, and what is in it."""

    data: bytes
    latents: list[np.ndarray]
    symbols: dict[str, np.ndarray]


@cache
def write_stream(
    seed: int, height: int = 24, width: int = 40, context: int = 8, hidden: int = 1, a: int = 12, kernel: int = 4
) -> Written:
    """A stream of three resolutions with random networks and latents; the smallest grid is all zeros."""
    rng = np.random.default_rng(seed)
    sizes = [(ceil(height / 2**level), ceil(width / 2**level)) for level in range(3)]
    latents = [np.clip(np.rint(rng.laplace(0, 2, size)), -a, a + 1).astype(np.int32) for size in sizes[:-1]]
    latents.append(np.zeros(sizes[-1], np.int32))
    layers = [(6, 1, 0x01), (3, 1, 0x01), (3, 3, 0x11), (3, 3, 0x10)]
    inputs = [3, *(layer[0] for layer in layers[:-1])]
    shapes = {
        "arm_weight": [(context, context)] * hidden + [(2, context)],
        "arm_bias": [(context,)] * hidden + [(2,)],
        "upsampling_weight": [(kernel, kernel)],
        "synthesis_weight": [(out, into, k, k) for (out, k, _), into in zip(layers, inputs, strict=True)],
        "synthesis_bias": [(out,) for out, _, _ in layers],
    }
    steps = {"arm_weight": 1, "arm_bias": 2, "upsampling_weight": 10, "synthesis_weight": 10, "synthesis_bias": 9}
    tensors = {name: [rng.integers(-9, 10, shape) for shape in of] for name, of in shapes.items()}
    symbols = {name: np.concatenate([tensor.ravel() for tensor in of]) for name, of in tensors.items()}
    networks = {}
    for name, values in symbols.items():
        coder = RangeEncoder()
        for value in values:
            coder.write(int(value), NETWORK_RANGE, 0, 1)
        networks[name] = coder.bytes()
    weights = tensors["arm_weight"]  # their step is 1/64
    biases = [tensor * 2**7 for tensor in tensors["arm_bias"]]  # their step is 2^-5
    grids = [encoded_grid(grid, a, weights, biases) if grid.any() else b"" for grid in latents]
    body = struct.pack(">BBBB", 0, context // 8 << 4 | hidden, kernel * 2, len(layers))
    body += b"".join(map(bytes, layers)) + struct.pack(">BHH", 1, NETWORK_RANGE, a)
    order = ("arm_weight", "arm_bias", "upsampling_weight", "upsampling_bias", "synthesis_weight", "synthesis_bias")
    body += bytes(steps.get(name, 255) for name in order) + bytes([SCALE] * len(steps))
    body += b"".join(struct.pack(">H", len(networks[name])) for name in steps)
    body += bytes([len(sizes), len(sizes)]) + bytes([1] * len(sizes))
    body += b"".join(len(grid).to_bytes(3) for grid in grids)
    data = struct.pack(">HHHBBB", 9, height, width, 0, 0, 0) + struct.pack(">H", len(body) + 2) + body
    return Written(data + b"".join(networks.values()) + b"".join(grids), latents, symbols)


@pytest.fixture(scope="session")
def format_writer() -> SimpleNamespace:
    return SimpleNamespace(write_stream=write_stream)


@pytest.fixture(scope="session")
def released(shared):
    """The folder with the released bitstreams of Kodak and what is known of them."""
    if not (shared / "cool-chic" / "kodak").is_dir():
        pytest.skip(f"no Cool-chic bitstreams in {shared}")
    return shared / "cool-chic"
