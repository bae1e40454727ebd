"""The base class of codecs with a hyperprior, in CompressAI's calling convention.

x --> g_a --> y -----------------> round(y - mean) + mean ----> y_hat --> g_s --> x_hat
              |                      ^         | rANS
             h_a            scale, mean        v
              |                      |    strings of the coding passes
              v                  predict <---- y_hat of earlier passes
              z --> round --> z_hat -^ hyper
                      | rANS
                      v
                   1 string
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar

import torch
from compressai.entropy_models import EntropyBottleneck, EntropyModel, GaussianConditional
from torch import Tensor, nn

from lic_bench.codecs.entropy_models import coder_of, use_coder, version_of
from lic_bench.codecs.gaussian_coding import (
    Coder,
    Decoder,
    Encoder,
    Estimator,
    GaussianTables,
    JoinedDecoder,
    Strings,
    quantise,
)
from lic_bench.codecs.gaussian_coding import scale_table as default_scales


class HyperpriorCodec(nn.Module, ABC):
    """A network that has g_a, h_a and g_s, and predicts the Gaussians of y pass by pass from z_hat and y_hat.

    A subclass sets these three and implements `hyper`, `predict`, `split` and `join`. Images: [B, 3, H, W] in [0, 1],
    H and W multiples of `multiple`. y_strings: 1 if all coding passes of y share a string, else the number of passes.
    """

    name: ClassVar[str]
    multiple: ClassVar[int] = 64
    y_strings: int = 1
    g_a: nn.Module
    g_s: nn.Module
    h_a: nn.Module

    def __init__(self, hyper: int | EntropyModel, of_y: GaussianConditional | None = None) -> None:
        """hyper: channels of z, or an entropy model of z. of_y: one of y; None: CompressAI's Gaussians."""
        super().__init__()
        self.entropy_bottleneck = EntropyBottleneck(hyper) if isinstance(hyper, int) else hyper
        self.gaussian_conditional = of_y or GaussianConditional(default_scales())
        use_coder(self, "native")
        self._tables: tuple[Tensor, int, ModuleType, GaussianTables] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles make their own tables."""
        return {**self.__dict__, "_tables": None}

    @abstractmethod
    def hyper(self, z_hat: Tensor) -> tuple[Tensor, ...]:
        """What is known from z_hat [B, N, h / 4, w / 4] alone, [B, C, h, w] each."""

    @abstractmethod
    def predict(self, hyper: tuple[Tensor, ...], code: Coder) -> Tensor:
        """y_hat [B, M, h, w] from `hyper`; `code` is called with the Gaussians of each coding pass in turn."""

    @abstractmethod
    def split(self, y: Tensor) -> Sequence[Tensor]:
        """y [B, M, h, w] cut into its coding passes."""

    @abstractmethod
    def join(self, passes: Sequence[Tensor]) -> Tensor:
        """The inverse of `split`."""

    def forward(self, x: Tensor) -> dict[str, Any]:
        """x_hat (not clamped) and likelihoods: y [B, M, H / 16, W / 16], z [B, N, H / 64, W / 64]."""
        self.check_image(x)
        y = self.g_a(x)
        z = self.h_a(y)
        _, z_likelihoods = self.entropy_bottleneck(z)
        coder = Estimator(self.split(y), self.gaussian_conditional)
        y_hat = self.predict(self.hyper(self.rounded(z)), coder)
        return {"x_hat": self.g_s(y_hat), "likelihoods": {"y": self.join(coder.likelihoods), "z": z_likelihoods}}

    @torch.no_grad()
    def compress(self, x: Tensor) -> dict[str, Any]:
        """Encode x. "strings": those of y in coding order, then z, each a list over the batch; "shape": of z."""
        self.check_image(x)
        tables = self.tables()
        y = self.g_a(x)
        z = self.h_a(y)
        coder = Encoder(self.split(y), tables)
        self.predict(self.hyper(self.rounded(z)), coder)
        strings = [coder.joined()] if self.y_strings == 1 else coder.strings()
        return {"strings": [*strings, self.entropy_bottleneck.compress(z)], "shape": z.shape[-2:]}

    @torch.no_grad()
    def decompress(self, strings: Sequence[Strings], shape: Sequence[int]) -> dict[str, Tensor]:
        """Decode what `compress` returned: x_hat [B, 3, H, W], clamped to [0, 1]."""
        self.check_strings(strings)
        tables = self.tables()
        z_hat = self.entropy_bottleneck.decompress(strings[-1], tuple(shape))
        coder = JoinedDecoder(strings[0], tables) if self.y_strings == 1 else Decoder(strings[:-1], tables)
        y_hat = self.predict(self.hyper(z_hat.clone(memory_format=torch.contiguous_format)), coder)
        return {"x_hat": self.g_s(y_hat).clamp_(0, 1)}

    def update(self, force: bool = False) -> bool:
        """Make the entropy coder's tables from the weights; whether it did. Needed before compress and decompress."""
        made: bool = self.entropy_bottleneck.update(force=force)
        return self.gaussian_conditional.update_scale_table(self.scales(), force=force) or made

    def scales(self) -> list[float]:
        """Those of y that have a table."""
        return default_scales()

    def rounded(self, z: Tensor) -> Tensor:
        """z_hat = round(z - medians) + medians, [B, N, h / 4, w / 4].

        It has the memory layout of the decoder's z_hat, as the rounding of convolutions depends on that.
        """
        medians = self.entropy_bottleneck.quantiles[:, 0, 1].detach().view(1, -1, 1, 1)
        return quantise(z, medians).clone(memory_format=torch.contiguous_format)

    def tables(self) -> GaussianTables:
        """The tables of the coder of y. Raises ValueError before `update`."""
        source = self.gaussian_conditional.quantized_cdf
        if source.numel() == 0 or self.entropy_bottleneck.quantized_cdf.numel() == 0:
            raise ValueError("The entropy coder has no tables yet: call update() first.")
        made_of = source, version_of(source), coder_of(self.gaussian_conditional)
        if self._tables is None or self._tables[0] is not source or self._tables[1:3] != made_of[1:]:
            self._tables = *made_of, GaussianTables(self.gaussian_conditional)
        return self._tables[3]

    def check_image(self, x: Tensor) -> None:
        """Raise ValueError unless x is a batch of images of an allowed size."""
        if x.ndim != 4 or x.shape[1] != 3 or x.shape[2] % self.multiple or x.shape[3] % self.multiple or not x.numel():
            raise ValueError(
                f"Image of shape {list(x.shape)}; {self.name} takes [B, 3, H, W], H and W multiples of {self.multiple}."
            )

    def check_strings(self, strings: Sequence[Strings]) -> None:
        """Raise ValueError unless there are as many strings as `compress` writes."""
        if len(strings) != self.y_strings + 1:
            raise ValueError(
                f"{len(strings)} strings; {self.name} writes {self.y_strings + 1} ({self.y_strings} of y, then z)."
            )
