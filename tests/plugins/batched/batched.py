"""Networks that write the 8-bit values as they are, in two strings per image, and what can go wrong in a batch."""

from typing import Any

import torch
from torch import Tensor, nn


class Batched(nn.Module):
    """Images of sides that are multiples of 64."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def update(self, force: bool = False) -> bool:
        return force

    def compress(self, x: Tensor) -> dict[str, Any]:
        levels = [image.mul(255).round().to(torch.uint8) for image in x]
        strings = [[part(image) for image in levels] for part in (self.first, self.rest)]
        return {"strings": strings, "shape": torch.Size([x.shape[2] // 64, x.shape[3] // 64])}

    def first(self, image: Tensor) -> bytes:
        return image[:1].numpy().tobytes()

    def rest(self, image: Tensor) -> bytes:
        return image[1:].numpy().tobytes()

    def decompress(self, strings: list[list[bytes]], shape: list[int]) -> dict[str, Tensor]:
        height, width = 64 * shape[0], 64 * shape[1]
        flat = b"".join(a[: height * width] + b for a, b in zip(*strings, strict=True))
        levels = torch.frombuffer(bytearray(flat), dtype=torch.uint8).reshape(-1, 3, height, width)
        return {"x_hat": levels.float() / 255}

    def forward(self, x: Tensor) -> dict[str, Any]:
        return {"x_hat": x.mul(255).round() / 255, "likelihoods": {"y": torch.full_like(x, 2.0**-8)}}


class Numbered(Batched):
    """The first string of an image ends in its place in the batch."""

    def compress(self, x: Tensor) -> dict[str, Any]:
        out = super().compress(x)
        out["strings"][0] = [string + bytes([place]) for place, string in enumerate(out["strings"][0])]
        return out


class Joined(Batched):
    """All images share a string."""

    def compress(self, x: Tensor) -> dict[str, Any]:
        out = super().compress(x)
        return out | {"strings": [[b"".join(strings)] for strings in out["strings"]]}


class Swapped(Batched):
    """Decodes the images of a batch in the reverse order."""

    def decompress(self, strings: list[list[bytes]], shape: list[int]) -> dict[str, Tensor]:
        return {"x_hat": super().decompress(strings, shape)["x_hat"].flip(0)}


class Full(Batched):
    """Has no room for more than two images."""

    def compress(self, x: Tensor) -> dict[str, Any]:
        if len(x) > 2:
            raise torch.OutOfMemoryError(f"no room for {len(x)} images")
        return super().compress(x)
