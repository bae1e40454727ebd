"""A codec that meddles with its process, when it is imported and whenever it works."""

import gc
import os
import random
import signal
import sys
import threading
import warnings

import numpy as np
import torch

from lic_bench.codec import Bitstream
from lic_bench.spec import CodecSpec

CODES, EXITS, WRITES = 1, 2, 3  # the last two misbehave when they encode

SPEC = CodecSpec(
    name="meddler",
    label="Meddler",
    kind="classical",
    load="meddler.codec:Meddler",
    qualities=(CODES, EXITS, WRITES),
    devices=("cpu",),
)


def meddle() -> None:
    print("chatter of a codec")
    random.random()
    np.random.rand()
    torch.rand(1)
    torch.set_num_threads(3)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.benchmark = True
    torch.backends.mkldnn.enabled = False
    torch.backends.cuda.enable_math_sdp(False)
    warnings.filterwarnings("ignore", message="meddled with")
    gc.disable()
    os.environ["OMP_NUM_THREADS"], os.environ["MEDDLED"] = "7", "1"
    os.chdir("/")
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


meddle()
threading.Thread(target=threading.Event().wait).start()  # it never ends, nor would a process that waits for it


class Meddler:
    def __init__(self, quality: int) -> None:
        self.quality = quality

    def compress(self, x: torch.Tensor) -> Bitstream:
        if self.quality == EXITS:
            sys.exit(0)
        if self.quality == WRITES:
            x.sub_(0.5)
        size = repr(tuple(x.shape)).encode()
        meddle()
        return Bitstream(payload=b"x", header=size)

    def decompress(self, bits: Bitstream) -> torch.Tensor:
        meddle()
        shape = list(map(int, bits.header.decode().strip("()").split(",")))
        return torch.full(shape, 0.5, dtype=torch.float32, device="cpu")
