"""Where a process's memory lies, which decides what collides in the processor's caches, store buffers and predictors.

A process keeps its draw for life, and times hang on it: of two that do the same one decodes JPEG 16 % faster, one
encodes with a network 6 % faster (benchmarks/layouts.py; Mytkowicz et al. 2009, "Producing wrong data without doing
anything obviously wrong!"). So the heap is drawn anew before each sample, which makes of it noise that can be seen and
averaged (Curtsinger and Berger 2013, "STABILIZER: statistically sound performance evaluation"); what stays for life, as
the addresses of libraries, is drawn alike for two processes that are compared.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random

BLOCKS = 100  # put between what a codec allocates next
LARGEST = 19  # sizes are from 2**0 to 2**LARGEST bytes, each power of two as likely
SHIFT = 2**18  # pages by which libraries are moved, at most
_PERSONALITY, _NO_RANDOMIZATION = 0xFFFFFFFF, 0x0040000  # of Linux's personality: asks only; equal addresses


def random_heap_blocks(random: Random) -> list[bytes]:
    """Blocks of random sizes, half of them freed again: while the others live, what is allocated lies elsewhere."""
    blocks = [bytes(random.randrange(1, 2 << random.randrange(LARGEST))) for _ in range(BLOCKS)]
    random.shuffle(blocks)
    return blocks[::2]


@contextmanager
def fixed_addresses() -> Iterator[None]:
    """What this thread starts meanwhile has no random addresses: on Linux, where it may say so."""
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
    """What a process of this draw has in its environment: the order of Python's sets, and so of what is allocated."""
    return {"PYTHONHASHSEED": str(Random(draw).randrange(2**32))}


def reserve_address_space(draw: str) -> mmap.mmap:
    """Address space that is never used, of a size by this draw: what is mapped while it lives lies that much lower."""
    return mmap.mmap(-1, mmap.PAGESIZE * Random(draw).randrange(1, SHIFT), prot=0)
