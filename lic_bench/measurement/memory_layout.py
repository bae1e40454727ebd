"""Where a process's memory lies, which decides what collides in the processor's caches, store buffers and predictors.

The layout is random, a process keeps it for life, and times depend on it: of two processes that do the same, one
decodes JPEG 16 % faster, or encodes with a network 6 % faster (benchmarks/layouts.py; Mytkowicz et al. 2009, "Producing
wrong data without doing anything obviously wrong!"). So the heap is changed before each sample, which turns the effect
into noise that averages out (Curtsinger and Berger 2013, "STABILIZER: statistically sound performance evaluation").
What cannot change, such as the addresses of libraries, is made the same in two processes that are compared: by `draw`,
a text that both are given and that seeds the random numbers.
"""

import ctypes
import mmap
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random

BLOCKS = 100  # that move what a codec allocates next
LARGEST = 19  # sizes are 2**0 to 2**LARGEST bytes, each power of two equally likely
MAX_PAGES = 2**18  # by which libraries are moved
_PERSONALITY, _NO_RANDOMIZATION = 0xFFFFFFFF, 0x0040000  # of Linux: asks only; no random addresses


def random_heap_blocks(random: Random) -> list[bytes]:
    """Blocks of random sizes with random gaps. Keep them: they move what is allocated from now on."""
    blocks = [bytes(random.randrange(1, 2 << random.randrange(LARGEST))) for _ in range(BLOCKS)]
    random.shuffle(blocks)
    return blocks[::2]


@contextmanager
def fixed_addresses() -> Iterator[None]:
    """Processes that this thread starts inside have no random addresses. Only on Linux, and where it is allowed."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    before = libc.personality(_PERSONALITY) if libc else -1
    if libc is None or before == -1:
        yield
        return
    libc.personality(before | _NO_RANDOMIZATION)
    try:
        yield
    finally:
        libc.personality(before)


def hash_seed_variables(draw: str) -> Mapping[str, str]:
    """Environment variables that fix the order of Python's sets, and so of what a process allocates."""
    return {"PYTHONHASHSEED": str(Random(draw).randrange(2**32))}


def reserve_address_space(draw: str) -> mmap.mmap:
    """Unused address space of a size by this draw. Keep it: what is mapped from now on lies that much lower."""
    return mmap.mmap(-1, mmap.PAGESIZE * Random(draw).randrange(1, MAX_PAGES), prot=0)
