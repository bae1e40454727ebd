"""Graph feature aggregation: attention along the edges of two graphs of its input (GLIC, CVPR 2026)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.glic.blocks import GatedFfn
from adapters.glic.graphs import QUERIES, SAMPLES, chunks, complexity_of, edges, merge

HEADS, BLOCKS = 8, 5
DIFFERENCES = SAMPLES + QUERIES - 1
LARGEST_SCALE = 4.6052  # a logarithm, of almost 100; the authors' rounding counts in float64
NO_EDGE = -100.0  # added to a cosine, so where the scale is small it hides little


class GraphAttention(nn.Module):
    """Every query attends to its samples by cosines; what no edge connects it with gets NO_EDGE."""

    relative_coords_table: Tensor
    relative_position_index: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.full((HEADS, 1, 1), math.log(10)))
        self.register_buffer("relative_coords_table", coordinates())
        self.register_buffer("relative_position_index", position_index())
        self.proj_group = nn.Linear(width, width)
        self.proj_sample = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, HEADS, bias=False))

    def forward(self, x: Tensor, graph: Tensor, *, local: bool) -> Tensor:
        """x [B, H, W, width]; graph: of `edges`, bool [B, H / 8, W / 8, 64, 256]."""
        scale = self.logit_scale.clamp(max=LARGEST_SCALE).exp()
        query = self._directions(self.proj_group(x)) * scale[:, :, 0]
        key, value = self.proj_sample(x).chunk(2, -1)
        asked = torch.cat([self._directions(key).flatten(-2), value], -1)
        bias = self._bias()
        parts = []
        for rows, some, others in chunks(query.flatten(-2), asked, local=local):
            mask = torch.where(
                graph[:, rows, :, None], bias, bias + NO_EDGE * scale
            )  # [B, rows, W / 8, heads, 64, 256]
            parts.append(_attend(some, others, mask))
        seen = merge(torch.cat(parts, 1).unflatten(3, (QUERIES, QUERIES)), local=local)
        return self.proj(seen)

    def _directions(self, x: Tensor) -> Tensor:
        """Vectors of length 1 for each head, [B, H, W, heads, width / heads]."""
        return F.normalize(x.unflatten(-1, (HEADS, -1)), dim=-1)

    def _bias(self) -> Tensor:
        """Of each pair of query and sample, [heads, 64, 256]."""
        table = self.cpb_mlp(self.relative_coords_table).flatten(0, 2)
        return 16 * torch.sigmoid(table[self.relative_position_index]).permute(2, 0, 1)


def _attend(some: Tensor, others: Tensor, mask: Tensor) -> Tensor:
    """Queries [B, rows, cols, 64, C] and their samples' keys and values [..., 256, 2 C] -> [B, rows, cols, 64, C]."""
    shape = some.shape
    query = some.flatten(0, 2).unflatten(2, (HEADS, -1)).transpose(1, 2)
    key, value = others.flatten(0, 2).unflatten(2, (2, HEADS, -1)).permute(2, 0, 3, 1, 4)
    seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask.flatten(0, 2), scale=1.0)
    return seen.transpose(1, 2).reshape(shape)


class GraphBlock(nn.Module):
    """Graph attention and a gated network, each after a normalisation and beside an identity."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.grapher = GraphAttention(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = GatedFfn(width, expansion, neighbours=True)

    def forward(self, x: Tensor, graph: Tensor, *, local: bool) -> Tensor:
        """x [B, H, W, width]; graph: of `edges`."""
        x = x + self.grapher(self.norm1(x), graph, local=local)
        return x + self.mlp(self.norm2(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class GraphAggregation(nn.Module):
    """Five blocks along the local and the global graph in turn; both graphs are of what comes in."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        blocks = nn.ModuleList(GraphBlock(width, expansion) for _ in range(BLOCKS))
        self.residual_group = nn.ModuleDict({"blocks": blocks})

    def forward(self, x: Tensor) -> Tensor:
        """x [B, width, H, W], H and W multiples of 16."""
        tokens = x.permute(0, 2, 3, 1).contiguous()
        complexity = complexity_of(tokens)
        graphs = [edges(tokens, complexity, local=local) for local in (True, False)]
        for i, block in enumerate(self.residual_group["blocks"]):
            tokens = block(tokens, graphs[i % 2], local=i % 2 == 0)
        return tokens.permute(0, 3, 1, 2)


def position_index() -> Tensor:
    """The table's row for each pair of query and sample, [64, 256].

    Negative numbers count from the table's end, so it is read in a rotated order; trained weights expect it so.
    """
    of_queries, of_samples = (
        torch.cartesian_prod(torch.arange(side), torch.arange(side)) for side in (QUERIES, SAMPLES)
    )
    down, across = (of_samples - of_queries[:, None] - (QUERIES - 1)).unbind(-1)
    return DIFFERENCES * down + across


def coordinates() -> Tensor:
    """The table's rows and columns on a logarithmic scale, [1, 23, 23, 2]."""
    distance = torch.arange(DIFFERENCES) - (SAMPLES - 1.0)
    scaled = distance.sign() * torch.log2(1 + 8 * distance.abs() / (QUERIES - 1)) / 3
    return torch.cartesian_prod(scaled, scaled).view(1, DIFFERENCES, DIFFERENCES, 2)
