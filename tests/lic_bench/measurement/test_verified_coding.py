import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from compressai.models import JointAutoregressiveHierarchicalPriors

from lic_bench.codec import Bitstream
from lic_bench.codecs.loading import Loaded
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.verified_coding import Pair, check_memory, code_and_verify
from lic_bench.spec import Padding

CPU = torch.device("cpu")


class Levels(torch.nn.Module):
    """A learned codec of known numbers: 16 levels a value, 4 bits each. `decoder_error` spoils what it decodes.

    contrast: how much of the image it gives back, as a network with random weights gives hardly any.
    """

    def __init__(
        self, decoder_error: float | torch.Tensor = 0.0, forward_error: float = 0.0, contrast: float = 1.0
    ) -> None:
        super().__init__()
        self.decoder_error = decoder_error
        self.forward_error = forward_error
        self.contrast = contrast
        self.weight = torch.nn.Parameter(torch.zeros(10))

    def compress(self, x: torch.Tensor) -> dict[str, Any]:
        return {"strings": [[x.mul(15).round().to(torch.uint8).numpy().tobytes()]], "shape": x.shape}

    def decompress(self, strings: list[list[bytes]], shape: list[int]) -> dict[str, torch.Tensor]:
        levels = torch.frombuffer(bytearray(strings[0][0]), dtype=torch.uint8).reshape(shape)
        return {"x_hat": self.contrast * (levels.float() / 15 + self.decoder_error)}

    def forward(self, x: torch.Tensor) -> dict[str, Any]:
        x_hat = self.contrast * (x.mul(15).round() / 15 + self.forward_error)
        return {"x_hat": x_hat, "likelihoods": {"y": torch.full_like(x, 2.0**-4)}}


def pair(encoder: Levels, decoder: Levels, weights: str = "a3") -> Pair:
    padding = Padding(multiple=4)
    return Pair(Loaded(NetworkCodec(encoder, padding), weights), Loaded(NetworkCodec(decoder, padding), weights))


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randint(0, 256, (1, 3, 8, 12), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_a_sound_codec(image: torch.Tensor) -> None:
    parts = frozenset(["quality", "latency", "memory"])
    both = pair(Levels(), Levels())
    fields, bits, _ = code_and_verify(both, image, CPU, parts)
    kept = (image.double() / 17).round() * 17
    assert fields["mse_8bit"] == pytest.approx(float(((image.double() - kept) ** 2).mean()))
    assert fields["bpp_estimated"] == pytest.approx(12.0)
    assert fields["payload_bytes"] == 3 * 8 * 12
    assert fields["decode_max_abs"] == 0
    assert fields["cold_start_s"].keys() == {"encode", "decode"}
    assert fields["peak_memory_bytes"]["weights"] == 40
    assert len(bits.payload) == 3 * 8 * 12
    assert code_and_verify(both, image, CPU, parts)[0]["cold_start_s"] == {}


@pytest.mark.parametrize("operation", ["compress", "decompress"])
def test_a_second_try_is_no_cold_start(image: torch.Tensor, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    both = pair(Levels(), Levels())
    with monkeypatch.context() as patch:
        patch.setattr(Levels, operation, full)
        with pytest.raises(MemoryError):
            code_and_verify(both, image, CPU, frozenset(["latency"]))
    fields, *_ = code_and_verify(both, image, CPU, frozenset(["latency"]))
    assert fields["cold_start_s"] == {}
    assert fields["payload_bytes"] == 3 * 8 * 12


def test_quality_alone_codes_once(image: torch.Tensor) -> None:
    class Counted(Levels):
        calls = 0

        def compress(self, x: torch.Tensor) -> dict[str, Any]:
            Counted.calls += 1
            return super().compress(x)

    fields, *_ = code_and_verify(pair(Counted(), Levels()), image, CPU, frozenset(["quality"]))
    assert Counted.calls == 1
    assert fields["cold_start_s"] == fields["peak_memory_bytes"] == {}


@pytest.mark.parametrize("error", [0.02, -0.3, float("nan")])
def test_a_decoder_out_of_sync_is_found(image: torch.Tensor, error: float) -> None:
    with pytest.raises(CodecFailure, match="decoder out of sync"):
        code_and_verify(pair(Levels(), Levels(decoder_error=error)), image, CPU, frozenset(["quality"]))


def test_a_few_wrong_pixels_of_a_large_image_are_found() -> None:
    image = torch.full((1, 3, 512, 768), 128, dtype=torch.uint8)
    error = torch.zeros(1, 3, 512, 768)
    error[..., 100:108, 200:208] = 0.1  # a mean squared 0.1 levels over the whole image, 10 over the block
    with pytest.raises(CodecFailure, match="decoder out of sync"):
        code_and_verify(pair(Levels(), Levels(decoder_error=error)), image, CPU, frozenset(["quality"]))


def test_a_network_of_random_weights_cannot_hide_a_lost_sync(image: torch.Tensor) -> None:
    error = torch.zeros(1, 3, 8, 12)
    error[..., :4, :4] = 0.3
    pale = pair(Levels(contrast=1e-3), Levels(contrast=1e-3, decoder_error=error))  # equal once rounded to 8 bit
    with pytest.raises(CodecFailure, match=r"decoder out of sync.*mean squared 0 levels"):
        code_and_verify(pale, image, CPU, frozenset(["quality"]))
    code_and_verify(pair(Levels(contrast=1e-3), Levels(contrast=1e-3)), image, CPU, frozenset(["quality"]))


def test_rounding_of_the_forward_pass_is_no_lost_sync(image: torch.Tensor) -> None:
    fields, *_ = code_and_verify(pair(Levels(forward_error=1e-6), Levels()), image, CPU, frozenset(["quality"]))
    assert fields["decode_mse"] < 0.01


def test_nan_of_the_network_is_named(image: torch.Tensor) -> None:
    nan = Levels(forward_error=float("nan"))
    with pytest.raises(CodecFailure, match="NaN or infinite"):
        code_and_verify(pair(nan, Levels()), image, CPU, frozenset(["quality"]))


@pytest.fixture(scope="module")
def autoregressive() -> Callable[[], JointAutoregressiveHierarchicalPriors]:
    """Makes mbt2018 with few channels, of which y takes many values: forward rounds y, the encoder y - mean."""

    def make() -> JointAutoregressiveHierarchicalPriors:
        torch.manual_seed(0)
        network = JointAutoregressiveHierarchicalPriors(N=8, M=12).eval()
        with torch.no_grad():
            network.g_a[-1].weight.mul_(60)
            network.entropy_parameters[-1].bias[12:].add_(0.3)  # means, far from whole numbers
            x_hat = network(torch.tensor(draw_sample(0, 64, 64)).permute(2, 0, 1)[None] / 255)["x_hat"]
            network.g_s[-1].weight.mul_(0.1 / x_hat.std())
            network.g_s[-1].bias.fill_(0.5)
        network.update(force=True)
        return network

    return make


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.tensor(draw_sample(0, 64, 64)).permute(2, 0, 1)[None]


def networks(encoder: torch.nn.Module, decoder: torch.nn.Module) -> Pair:
    padding = Padding(multiple=64)
    return Pair(Loaded(NetworkCodec(encoder, padding), "random"), Loaded(NetworkCodec(decoder, padding), "random"))


def test_a_forward_pass_that_rounds_otherwise_is_no_lost_sync(
    autoregressive: Callable[[], JointAutoregressiveHierarchicalPriors], picture: torch.Tensor
) -> None:
    fields, *_ = code_and_verify(networks(autoregressive(), autoregressive()), picture, CPU, frozenset(["quality"]))
    assert fields["decode_mse"] > 0.01  # beyond what float32 rounding makes
    assert fields["payload_bytes"] > 300


@pytest.mark.parametrize("part", ["context_prediction", "entropy_parameters"])
def test_a_decoder_that_predicts_otherwise_is_out_of_sync(
    autoregressive: Callable[[], JointAutoregressiveHierarchicalPriors], picture: torch.Tensor, part: str
) -> None:
    decoder = autoregressive()
    with torch.no_grad():
        for parameter in getattr(decoder, part).parameters():
            parameter.add_(0.05)
    with pytest.raises(CodecFailure, match="out of sync"):
        code_and_verify(networks(autoregressive(), decoder), picture, CPU, frozenset(["quality"]))


def test_a_decoder_that_makes_another_image_of_the_right_symbols_is_out_of_sync(
    autoregressive: Callable[[], JointAutoregressiveHierarchicalPriors], picture: torch.Tensor
) -> None:
    decoder = autoregressive()
    with torch.no_grad():
        decoder.g_s[-1].bias.add_(0.5)
    with pytest.raises(CodecFailure, match="out of sync"):
        code_and_verify(networks(autoregressive(), decoder), picture, CPU, frozenset(["quality"]))


@pytest.mark.parametrize(("scale", "shift", "named"), [(255.0, 0.0, "0..255"), (2.0, -1.0, "-1..1")])
def test_an_output_in_other_units_is_no_quality(
    image: torch.Tensor, scale: float, shift: float, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = pair(Levels(), Levels())
    sound = Levels.forward

    def forward(self: Levels, x: torch.Tensor) -> dict[str, Any]:
        out = sound(self, x)
        return out | {"x_hat": out["x_hat"] * scale + shift}

    monkeypatch.setattr(Levels, "forward", forward)
    with pytest.raises(CodecFailure, match=rf"allowed is 0 to 1: is it scaled to {named}\?"):
        code_and_verify(network, image, CPU, frozenset(["quality"]))


def test_what_is_decoded_is_bytes_alone(image: torch.Tensor) -> None:
    class Carrier(Bitstream):
        picture: torch.Tensor

    class Cheats:
        def compress(self, x: torch.Tensor) -> Bitstream:
            bits = Carrier(b"x")
            object.__setattr__(bits, "picture", x)
            return bits

        def decompress(self, bits: Carrier) -> torch.Tensor:
            return bits.picture

    with pytest.raises(AttributeError, match="picture"):
        code_and_verify(Pair(Loaded(Cheats(), None), Loaded(Cheats(), None)), image, CPU, frozenset(["quality"]))


def test_only_random_weights_may_give_any_output(image: torch.Tensor) -> None:
    wild = Levels(contrast=4.0)
    code_and_verify(pair(wild, wild, "random"), image, CPU, frozenset(["latency"]))
    with pytest.raises(CodecFailure, match="allowed is 0 to 1"):
        code_and_verify(pair(wild, wild), image, CPU, frozenset(["latency"]))


@pytest.mark.parametrize(("scale", "shift", "named"), [(255.0, 0.0, "0..255"), (2.0, -1.0, "-1..1")])
def test_a_classical_decoder_in_other_units_is_no_quality(
    image: torch.Tensor, scale: float, shift: float, named: str
) -> None:
    class Raw:
        def compress(self, x: torch.Tensor) -> Bitstream:
            return Bitstream(x.numpy().tobytes())

        def decompress(self, bits: Bitstream) -> torch.Tensor:
            return torch.frombuffer(bytearray(bits.payload), dtype=torch.float32).reshape(1, 3, 8, 12) * scale + shift

    with pytest.raises(CodecFailure, match=rf"values from .* to .*: is it scaled to {named}\?"):
        code_and_verify(Pair(Loaded(Raw(), None), Loaded(Raw(), None)), image, CPU, frozenset(["quality"]))


def test_values_a_little_outside_are_clamped(image: torch.Tensor) -> None:
    fields, *_ = code_and_verify(pair(Levels(contrast=1.2), Levels(contrast=1.2)), image, CPU, frozenset(["quality"]))
    assert fields["decode_max_abs"] == 0


MEMORY = """
import re
from pathlib import Path
import torch
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.registry import resolve_codec
from lic_bench.measurement.verified_coding import Pair, check_memory, code_and_verify

torch.set_num_threads(1)
cpu = torch.device("cpu")
pair = Pair(*(load_codec(resolve_codec("jpeg"), 50, None, cpu) for _ in range(2)))
for side in (192, 3072):
    image = torch.zeros(1, 3, side, side, dtype=torch.uint8)
    code_and_verify(pair, image, cpu, frozenset(["quality"]))
    print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024)
"""


def test_what_does_not_fit_into_the_memory_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    check_memory(768, 512)
    monkeypatch.setattr("lic_bench.measurement.verified_coding.free_memory_bytes", lambda: 2 * 10**9)
    check_memory(4096, 4096)
    with pytest.raises(CodecFailure, match=r"8192x8192 pixels takes 3\.4 GB .* 2 GB are free") as raised:
        check_memory(8192, 8192)
    assert raised.value.kind == "out_of_memory"


@pytest.mark.slow
def test_a_large_picture_takes_little_memory() -> None:
    """In a process of its own, whose peak is its own."""
    ended = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    small, large = map(int, ended.stdout.split())
    assert large - small < 60 * 3072**2  # 312 bytes per pixel where MS-SSIM takes all channels and rows at once
