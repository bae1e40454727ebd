"""Window attention and frequency modulation against their formulas, written out."""

import numpy as np
import pytest
import torch

from adapters.fat.attention import WindowAttention, position_index, window_shapes
from adapters.fat.modulation import FrequencyModulation

SHIFTS = {  # (rows, cols) of a window -> rolled there and back, in the authors' shifted blocks
    (16, 16): ((-8, -8), (8, 8)),
    (4, 4): ((-2, -2), (2, 2)),
    (4, 16): ((-2, -8), (2, 8)),
    (16, 4): ((-8, -2), (8, 2)),
    (1, 1): ((-1, -1), (0, 0)),
    (1, 4): ((-1, -2), (0, 2)),
    (4, 1): ((-2, -1), (2, 0)),
}


def attention(rows, cols, shifted, heads=2):
    torch.manual_seed(0)
    module = WindowAttention(heads, rows, cols, shifted).double()
    torch.nn.init.normal_(module.relative_position_bias_table)
    return module


def by_formula(module, qkv):
    """Window by window, head by head, pair of tokens by pair of tokens."""
    out = torch.zeros_like(qkv[..., 0, :])
    for top in range(0, qkv.shape[1], module.rows):
        for left in range(0, qkv.shape[2], module.cols):
            place = (0, slice(top, top + module.rows), slice(left, left + module.cols))
            parts = []
            for head, part in enumerate(qkv[place].flatten(0, 1).chunk(module.heads, 2)):
                q, k, v = part.unbind(1)  # [tokens, C / heads]
                logits = q @ k.T / q.shape[1] ** 0.5 + bias(module, head)
                parts.append(torch.softmax(logits, 1) @ v)
            out[place] = torch.cat(parts, 1).unflatten(0, (module.rows, module.cols))
    return out


def bias(module, head):
    table = module.relative_position_bias_table.detach()
    places = [(row, col) for row in range(module.rows) for col in range(module.cols)]
    width = 2 * module.cols - 1
    rows = [(r + module.rows - 1) * width + c + module.cols - 1 for r, c in places]
    # the index of a pair is linear in both positions
    return torch.stack(
        [torch.stack([table[rows[q] - (r * width + c), head] for r, c in places]) for q in range(len(places))]
    )


@torch.no_grad()
@pytest.mark.parametrize(("rows", "cols"), [(4, 4), (1, 4), (4, 1), (2, 8), (1, 1)])
def test_attention_is_the_formula(rows, cols):
    module, qkv = attention(rows, cols, shifted=False), torch.randn(1, 8, 8, 3, 6).double()
    torch.testing.assert_close(module(qkv), by_formula(module, qkv), rtol=1e-12, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize(("rows", "cols"), SHIFTS)
def test_shifted_windows_are_rolled_as_the_authors_networks_learned(rows, cols):
    module, qkv = attention(rows, cols, shifted=True), torch.randn(2, 16, 32, 3, 4).double()
    there, back = SHIFTS[rows, cols]
    plain = attention(rows, cols, shifted=False)
    torch.testing.assert_close(module(qkv), plain(qkv.roll(there, (1, 2))).roll(back, (1, 2)), rtol=0, atol=1e-13)


def test_the_branches_are_those_of_the_paper():
    assert set(window_shapes(8)) | set(window_shapes(2)) == set(SHIFTS)
    assert window_shapes(8) == ((16, 16), (4, 4), (4, 16), (16, 4))


def test_position_index_of_two_by_two():
    assert position_index(2, 2).tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


def test_position_index_is_the_authors(conformance):
    stored = np.load(conformance.HERE / "fat.start.npz")
    for branch, (rows, cols) in enumerate(window_shapes(8)):
        key = f"g_a.1.trans_block.attns.{branch}.relative_position_index"
        np.testing.assert_array_equal(position_index(rows, cols), stored[key])


@torch.no_grad()
def test_modulation_by_ones_changes_nothing():
    x = torch.randn(2, 8, 12, 3).double()
    torch.testing.assert_close(FrequencyModulation(3, 4).double()(x), x, rtol=0, atol=1e-14)


@torch.no_grad()
def test_modulation_is_the_discrete_fourier_transform_written_out():
    size, rng = 4, np.random.default_rng(0)
    x = rng.normal(size=(size, size))
    weight = rng.normal(size=(size, size // 2 + 1, 1, 2))
    module = FrequencyModulation(1, size).double()
    module.complex_weight.copy_(torch.from_numpy(weight))
    n = np.arange(size)
    dft = np.exp(-2j * np.pi * np.outer(n, n) / size) / np.sqrt(size)
    spectrum = (dft @ x @ dft)[:, : size // 2 + 1] * (weight[:, :, 0, 0] + 1j * weight[:, :, 0, 1])
    rows = dft.conj() @ spectrum  # complex inverse along rows
    # real inverse along columns: the first and last column count once and without their imaginary part
    inverse = rows[:, :1].real + rows[:, 2:].real * (-1.0) ** n
    inverse = (inverse + 2 * (rows[:, 1:2] * np.exp(2j * np.pi * n / size)).real) / np.sqrt(size)
    got = module(torch.from_numpy(x)[None, :, :, None])
    np.testing.assert_allclose(got[0, :, :, 0], inverse, rtol=0, atol=1e-13)
