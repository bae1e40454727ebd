"""The loss of a learned codec: distortion times lambda plus rate (LALIC, arXiv:2502.05741, section 4.1)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from lic_bench.spec import Metric


@dataclass(frozen=True, slots=True)
class Loss:
    """total: what is minimised. bpp: estimated bits per pixel. mse: of x_hat and x in [0, 1], x_hat not clamped.

    All are means over the batch, scalar tensors.
    """

    total: Tensor
    bpp: Tensor
    mse: Tensor


def rate_distortion(out: Mapping[str, Any], x: Tensor, lmbda: float, metric: Metric) -> Loss:
    """lambda * 255^2 * MSE + bpp, or lambda * (1 - MS-SSIM) + bpp.

    out: x_hat [B, 3, H, W] and likelihoods, a dict of tensors, as a codec's forward gives them. x: [B, 3, H, W] in
    [0, 1]. Computed in float32 whatever the network computes in.
    """
    batch, _, height, width = x.shape
    nats = sum(-values.float().log().sum() for values in out["likelihoods"].values())
    bpp = nats / (math.log(2) * batch * height * width)
    x_hat = out["x_hat"].float()
    mse = F.mse_loss(x_hat, x)
    if metric == "mse":
        return Loss(lmbda * 255**2 * mse + bpp, bpp, mse)
    from pytorch_msssim import ms_ssim

    return Loss(lmbda * (1 - ms_ssim(x_hat, x, data_range=1.0)) + bpp, bpp, mse)
