from typing import Any

import pytest
import torch

from lic_bench.codecs.loading import Loaded
from lic_bench.codecs.network_codec import NetworkCodec
from lic_bench.measurement.failures import CodecFailure
from lic_bench.measurement.verified_coding import Pair, code_and_verify
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


def pair(encoder: Levels, decoder: Levels) -> Pair:
    padding = Padding(multiple=4)
    return Pair(Loaded(NetworkCodec(encoder, padding), "random"), Loaded(NetworkCodec(decoder, padding), "random"))


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
