"""Where memory lies: drawn anew by blocks in between, alike for processes of one draw."""

import subprocess
import sys
from contextlib import nullcontext
from random import Random

import pytest

from lic_bench.measurement import memory_layout as layout

ADDRESSES = """
import ctypes, sys
from lic_bench.measurement.memory_layout import reserve_address_space
kept = reserve_address_space(sys.argv[1]) if sys.argv[1] else None
function = ctypes.cast(ctypes.CDLL(None).malloc, ctypes.c_void_p).value
import mmap
mapped = mmap.mmap(-1, 1 << 20)
print(function, ctypes.addressof(ctypes.c_char.from_buffer(mapped)), hash("lic-bench"))
"""


def addresses(draw: str = "", *, alike: bool = True) -> tuple[int, ...]:
    """Of a function, of memory mapped later, and the hash of a word, in a new process."""
    with layout.fixed_addresses() if alike else nullcontext():
        found = subprocess.run(
            [sys.executable, "-c", ADDRESSES, draw],
            env={**layout.hash_seed_variables(draw), "PYTHONPATH": ":".join(sys.path)} if draw else None,
            check=True,
            capture_output=True,
            text=True,
        )
    return tuple(map(int, found.stdout.split()))


@pytest.fixture(scope="module")
def may_say_so() -> None:
    if addresses("a")[0] != addresses("a")[0]:
        pytest.skip("this system draws addresses for every process, whatever it is told")


def test_processes_of_one_draw_are_alike_and_of_another_are_not(may_say_so: None) -> None:
    one = addresses("one")
    assert addresses("one") == one
    other = addresses("two")
    assert other[1:] != one[1:]
    assert other[2] != one[2]


def test_outside_the_system_draws(may_say_so: None) -> None:
    assert len({addresses(alike=False)[0] for _ in range(4)}) > 1


def test_blocks_are_of_all_sizes_and_differ_each_time() -> None:
    random = Random(0)
    first, second = layout.random_heap_blocks(random), layout.random_heap_blocks(random)
    assert len(first) == len(second) == layout.BLOCKS / 2
    sizes = [len(block) for block in first + second]
    assert min(sizes) < 64
    assert 2**12 < max(sizes) <= 2**layout.LARGEST
    assert [len(block) for block in first] != [len(block) for block in second]
    assert [len(block) for block in layout.random_heap_blocks(Random(0))] == [len(block) for block in first]


def test_blocks_come_between_what_is_allocated() -> None:
    random, places = Random(1), set()
    for _ in range(100):
        blocks = layout.random_heap_blocks(random)
        places.add(id(bytearray(2**16)))
        del blocks
    assert len(places) > 5
