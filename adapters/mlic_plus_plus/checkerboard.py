"""The two coding passes of a slice: anchors at odd row + column, then the others. Half an image is [B, C, h, w / 2]."""

from __future__ import annotations

import torch
from torch import Tensor

from lic_bench.codecs.gaussian_coding import merge_checkerboard, split_checkerboard


def anchors_of(image: Tensor) -> Tensor:
    """[B, C, h, w] -> [B, C, h, w / 2], the positions coded first."""
    return split_checkerboard(image)[1]


def others_of(image: Tensor) -> Tensor:
    """[B, C, h, w] -> [B, C, h, w / 2], the positions coded second."""
    return split_checkerboard(image)[0]


def merge(anchors: Tensor, others: Tensor) -> Tensor:
    """The image whose anchors_of and others_of these are."""
    return merge_checkerboard(others, anchors)


def only_anchors(anchors: Tensor) -> Tensor:
    """The image with zeros at the other positions."""
    return merge(anchors, torch.zeros_like(anchors))


def only_others(others: Tensor) -> Tensor:
    """The image with zeros at the anchors."""
    return merge(torch.zeros_like(others), others)
