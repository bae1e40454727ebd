"""Of fields whose correlation is known."""

import pytest
import torch

from lic_bench.analysis.latent_correlation import latent_correlation, local_correlation
from lic_bench.analysis.latents import Latents

CENTRE = torch.zeros(5, 5, dtype=torch.float64)
CENTRE[2, 2] = 1


@pytest.fixture
def noise() -> torch.Tensor:
    return torch.randn(200, 40, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_white_noise_correlates_with_itself_alone(noise: torch.Tensor) -> None:
    torch.testing.assert_close(local_correlation(noise), CENTRE, atol=0.01, rtol=0)


def test_a_smoothed_field_has_the_known_correlation(noise: torch.Tensor) -> None:
    """Of a b c with b = x_i + x_(i + 1) neighbours share one of two terms."""
    beside = CENTRE.clone()
    beside[2, 1] = beside[2, 3] = 0.5
    torch.testing.assert_close(local_correlation(noise[:, :, 1:] + noise[:, :, :-1]), beside, atol=0.01, rtol=0)
    torch.testing.assert_close(local_correlation(noise[:, 1:] + noise[:, :-1]), beside.T, atol=0.01, rtol=0)


def test_the_sign_of_the_offset(noise: torch.Tensor) -> None:
    """Neighbours one row below and two columns to the right share one of two terms."""
    expected = CENTRE.clone()
    expected[3, 4] = expected[1, 0] = 0.5
    torch.testing.assert_close(local_correlation(noise[:, 1:, 2:] + noise[:, :-1, :-2]), expected, atol=0.01, rtol=0)


def test_means_and_scales_are_taken_off(noise: torch.Tensor) -> None:
    means, scales = 100 * torch.rand_like(noise), 1 + torch.rand_like(noise)
    latents = Latents(y=noise * scales + means, y_hat=means, means=means, scales=scales, slice_bits=(), z_bits=0.0)
    torch.testing.assert_close(latent_correlation([latents, latents]), local_correlation(noise))


def test_dead_channels_give_no_nan() -> None:
    assert local_correlation(torch.zeros(3, 6, 6)).tolist() == torch.zeros(5, 5).tolist()
