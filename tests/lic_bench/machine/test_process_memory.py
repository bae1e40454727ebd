"""Resident bytes of this process by three sources."""

import os
import sys

import psutil
import pytest

from lic_bench.machine.process_memory import peak_resident_bytes, resident_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_the_kernel_and_the_samples_agree() -> None:
    own, mark = resident_bytes(os.getpid()), peak_resident_bytes("self")
    assert own is not None
    assert mark is not None
    assert own == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)
    assert mark >= own * 0.95
    assert resident_bytes(2**22 + 1) is peak_resident_bytes(2**22 + 1) is None
