"""The global contexts of MLIC++: attention over all positions at linear cost (arXiv:2307.15421).

Keys are normalised over the positions and queries over the channels of a head, so keys and values meet first, in a
matrix as small as a head is wide.
"""

from __future__ import annotations

from torch import Tensor, nn

from adapters.mlic_plus_plus.checkerboard import anchors_of, only_anchors, only_others, others_of
from adapters.mlic_plus_plus.transforms import with_gelu

INTRA_HEADS = 2


class InterContext(nn.Module):
    """What all earlier slices say about this one; one head per earlier slice."""

    def __init__(self, width: int, earlier: int) -> None:
        """width: channels of a slice; earlier: how many slices there are before."""
        super().__init__()
        self.heads = earlier
        self.keys, self.queries, self.values = (_projection(width * earlier) for _ in range(3))
        self.reprojection = nn.Conv2d(width * earlier, 3 * width, 5, padding=2)
        self.mlp = _mlp(3 * width, 4 * width, 2 * width)
        self.skip = nn.Conv2d(3 * width, 2 * width, 1)

    def forward(self, earlier: Tensor) -> Tensor:
        """y_hat of the earlier slices [B, earlier width, h, w] -> [B, 2 width, h, w]."""
        seen = attend(self.queries(earlier), self.keys(earlier), self.values(earlier), self.heads)
        x = self.reprojection(seen)
        return self.skip(x) + self.mlp(x)


class IntraContext(nn.Module):
    """What the anchors of this slice say about its other positions, going by the likeness in the slice before."""

    def __init__(self, width: int) -> None:
        """width: channels of a slice."""
        super().__init__()
        self.keys, self.queries, self.values = (_projection(width) for _ in range(3))
        self.reprojection = nn.Conv2d(width, 2 * width, 5, padding=2)
        self.mlp = _mlp(2 * width, 4 * width, 2 * width)

    def forward(self, previous: Tensor, anchors: Tensor) -> Tensor:
        """y_hat of the slice before, and of this one's anchors, [B, width, h, w] -> [B, 2 width, h, w]."""
        queries = others_of(self.queries(only_others(others_of(previous))))
        keys = anchors_of(self.keys(only_anchors(anchors_of(previous))))
        x = self.reprojection(only_others(attend(queries, keys, anchors_of(self.values(anchors)), INTRA_HEADS)))
        return x + self.mlp(x)


def attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int) -> Tensor:
    """Linear attention between images [B, C, h, w]; heads are blocks of channels. Result: shape of the queries."""
    q, k, v = (image.flatten(2).unflatten(1, (heads, -1)) for image in (queries, keys, values))
    summary = v @ k.softmax(3).transpose(2, 3)
    return (summary @ q.softmax(2)).view(queries.shape)


def _projection(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, width, 1), _depthwise(width))


def _depthwise(width: int) -> nn.Conv2d:
    return nn.Conv2d(width, width, 3, padding=1, groups=width)


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return with_gelu((nn.Conv2d(inputs, hidden, 1), _depthwise(hidden), nn.Conv2d(hidden, outputs, 1)))
