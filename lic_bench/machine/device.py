"""The device that computes, from the option --device."""

import torch

from lic_bench.errors import UserError, unknown


def choose_device(name: str) -> torch.device:
    """The device of --device: auto, cpu, cuda or cuda:N; a CUDA device has its index."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise unknown("--device", name, ("auto", "cpu", "cuda", "cuda:N"))
    if device.type == "cpu":
        return torch.device("cpu")
    if (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"--device {name}: this machine shows {torch.cuda.device_count()} CUDA devices to torch; "
            "use --device cpu, or see `lic-bench doctor`."
        )
    return torch.device("cuda", device.index or 0)
