"""Features as tokens and as images: the same memory, in channels-last order."""

from torch import Tensor

Size = tuple[int, int]  # height and width of the feature map


def to_tokens(image: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, H * W, C]."""
    return image.flatten(2).transpose(1, 2)


def to_image(tokens: Tensor, size: Size) -> Tensor:
    """[B, H * W, C] -> [B, C, H, W], with the strides by which torch knows channels-last memory."""
    return tokens.unflatten(1, size).permute(0, 3, 1, 2)
