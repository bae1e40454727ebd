"""MLIC++'s attention against plain loops written from its description."""

import pytest
import torch

from adapters.mlic_plus_plus.context import ResidualPrediction
from adapters.mlic_plus_plus.global_context import InterContext, IntraContext, attend
from adapters.mlic_plus_plus.local_context import POSITIONS, LocalContext
from adapters.mlic_plus_plus.sizes import Sizes


def odd(height, width):
    """1 at the anchors, [h, w]."""
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((row + column) % 2).double()


def anchors(channels, height, width):
    return torch.randn(1, channels, height, width, dtype=torch.float64) * odd(height, width)


def cell_of_window(qkv, is_anchor, row, column):
    """q, k, v [25, C] and anchor flags [25] around a position, zeros outside."""
    height, width, channels = qkv.shape
    out, flags = torch.zeros(25, channels, dtype=qkv.dtype), torch.zeros(25)
    for cell in range(25):
        r, c = row + cell // 5 - 2, column + cell % 5 - 2
        if 0 <= r < height and 0 <= c < width:
            out[cell], flags[cell] = qkv[r, c], is_anchor[r, c]
    return out.chunk(3, 1), flags


def local_context_at(net, x, row, column):
    """One vector of the context, cell by cell."""
    qkv = net.qkv_proj(net.norm1(x[0].permute(1, 2, 0)))
    (q, k, v), flags = cell_of_window(qkv, odd(*x.shape[2:]), row, column)
    heads = []
    for head in range(2):
        logits = torch.zeros(25, 25, dtype=x.dtype)
        for i in range(25):
            for j in range(25):
                down, across = i // 5 - j // 5, i % 5 - j % 5
                logits[i, j] = q[i, head::2] @ k[j, head::2] / q[i, head::2].numel() ** 0.5
                logits[i, j] += net.relative_position_table[(down + 4) * 9 + across + 4, head]
                logits[i, j] += 0 if flags[i] and flags[j] else -100
        heads.append(logits.softmax(1) @ v[:, head::2])
    patch = torch.cat(heads, 1).T.reshape(-1, 5, 5)
    t = net.proj((net.fusion.weight * patch).sum((1, 2, 3)) + net.fusion.bias)
    return t + net.mlp(net.norm2(t))


@pytest.fixture
def local():
    torch.manual_seed(3)
    net = LocalContext(8).double()
    torch.nn.init.normal_(net.relative_position_table)
    torch.nn.init.normal_(net.qkv_proj.weight)
    torch.nn.init.normal_(net.qkv_proj.bias)
    return net


@torch.no_grad()
def test_the_local_context_is_that_of_the_loop(local):
    x = anchors(8, 6, 8)
    found = local(x)
    for row, column in [(0, 0), (0, 1), (1, 7), (2, 3), (3, 3), (5, 0), (5, 7)]:
        wanted = local_context_at(local, x, row, column)
        torch.testing.assert_close(found[0, :, row, column], wanted, rtol=1e-10, atol=1e-12)


@torch.no_grad()
def test_a_large_picture_is_cut_into_rows_without_a_seam(local):
    x = anchors(8, 128, 96)
    assert x[0, 0].numel() > POSITIONS
    rows = POSITIONS // 96
    seam = slice(rows - rows % 2 - 8, rows - rows % 2 + 8)
    part = local(x[:, :, seam])[:, :, 2:-2]
    torch.testing.assert_close(local(x)[:, :, seam][:, :, 2:-2], part, rtol=1e-10, atol=1e-12)


@torch.no_grad()
def test_a_batch_is_its_pictures(local):
    a, b = anchors(8, 6, 8), anchors(8, 6, 8)
    torch.testing.assert_close(local(torch.cat((a, b))), torch.cat((local(a), local(b))), rtol=1e-10, atol=1e-12)


def attention(queries, keys, values, heads):
    """[C, n] each, head by head."""
    blocks = [x.chunk(heads) for x in (queries, keys, values)]
    return torch.cat([(k.softmax(1) @ v.T).T @ q.softmax(0) for q, k, v in zip(*blocks, strict=True)])


def test_linear_attention_is_that_of_the_formula():
    q, k, v = (torch.randn(1, 12, 3, 5, dtype=torch.float64) for _ in range(3))
    wanted = attention(*(x[0].flatten(1) for x in (q, k, v)), heads=3)
    torch.testing.assert_close(attend(q, k, v, heads=3)[0].flatten(1), wanted)


@torch.no_grad()
def test_inter_context_has_a_head_for_each_earlier_slice():
    net, x = InterContext(4, 3).double(), torch.randn(1, 12, 4, 6, dtype=torch.float64)
    parts = (layer(x)[0].flatten(1) for layer in (net.queries, net.keys, net.values))
    seen = net.reprojection(attention(*parts, heads=3).view(1, 12, 4, 6))
    torch.testing.assert_close(net(x), net.skip(seen) + net.mlp(seen))


@torch.no_grad()
def test_intra_context_asks_at_the_other_positions_what_the_anchors_are():
    net = IntraContext(6).double()
    previous, current, mask = torch.randn(1, 6, 4, 8, dtype=torch.float64), anchors(6, 4, 8), odd(4, 8)
    is_anchor = mask.bool()
    queries = net.queries(previous * (1 - mask))[0][:, ~is_anchor]
    keys, values = net.keys(previous * mask)[0][:, is_anchor], net.values(current)[0][:, is_anchor]
    placed = torch.zeros(1, 6, 4, 8, dtype=torch.float64)
    placed[0][:, ~is_anchor] = attention(queries, keys, values, heads=2)
    wanted = net.reprojection(placed)
    torch.testing.assert_close(net(previous, current), wanted + net.mlp(wanted))


@pytest.mark.parametrize(
    ("old", "index", "widths"),
    [
        (False, 0, [352, 224, 128, 32]),
        (False, 9, [640, 224, 128, 32]),
        (True, 0, [352, 272, 192, 112, 32]),
        (True, 9, [640, 488, 336, 184, 32]),
    ],
)
def test_residual_prediction_has_the_layouts_widths_and_is_within_half_a_step(old, index, widths):
    net = ResidualPrediction(Sizes(old=old), index)
    convolutions = [layer for layer in net.lrp_transform if hasattr(layer, "in_channels")]
    assert [c.in_channels for c in convolutions] + [convolutions[-1].out_channels] == widths
    x = torch.randn(1, widths[0], 4, 4) * 100
    out = net([x[:, :320], x[:, 320:]])
    assert out.abs().max() <= 0.5
