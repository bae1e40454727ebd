"""Who had each nanosecond: by hand, as properties, and on the clocks of the host and of a GPU."""

import random
from itertools import accumulate
from time import perf_counter, sleep

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.measurement.phase_timeline import Interval, Timeline, intervals_between, nanoseconds_by_name
from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER


def owner(at, intervals):
    """Who has the instant, said as in the docstring."""
    active = [i for i in intervals if i.start_ns <= at < i.end_ns]
    active = [i for i in active if i.device] or active
    return min(active, key=lambda i: (-i.start_ns, i.end_ns, i.name)).name if active else OTHER


@st.composite
def intervals(draw):
    start = draw(st.integers(-5, 25))
    return Interval(draw(st.sampled_from("abc")), start, start + draw(st.integers(0, 15)), draw(st.booleans()))


def test_a_device_at_work_goes_before_the_host_that_waits_for_it():
    line = [
        Interval("g_a", 10, 60, device=True),
        Interval(COPIES, 20, 70),  # waits until 60, copies until 70
        Interval(ENTROPY_CODER, 70, 90),
    ]
    assert nanoseconds_by_name(0, 100, line) == {OTHER: 20, "g_a": 50, COPIES: 10, ENTROPY_CODER: 20}


def test_the_innermost_has_the_time():
    line = [Interval("context 0", 0, 100), Interval(ENTROPY_CODER, 20, 80), Interval(COPIES, 30, 40)]
    assert nanoseconds_by_name(0, 100, line) == {OTHER: 0, "context 0": 40, ENTROPY_CODER: 50, COPIES: 10}


def test_what_is_outside_of_the_call_does_not_count():
    assert nanoseconds_by_name(10, 20, [Interval("g_a", 0, 12), Interval("g_s", 18, 50), Interval("x", 30, 40)]) == {
        **{"g_a": 2, "g_s": 2, OTHER: 6}
    }
    assert nanoseconds_by_name(10, 10, [Interval("g_a", 0, 20)]) == {OTHER: 0}


@given(st.lists(intervals(), max_size=12), st.integers(0, 20), st.randoms())
def test_every_instant_has_one_owner(line, length, dice):
    found = nanoseconds_by_name(0, length, line)
    assert sum(found.values()) == length
    assert min(found.values()) >= 0
    expected = dict.fromkeys(found, 0)
    for at in range(length):
        expected[owner(at, line)] += 1
    assert found == expected
    mixed = list(line)
    dice.shuffle(mixed)
    assert nanoseconds_by_name(0, length, mixed) == found


def test_on_the_host_alone_every_phase_is_the_hosts():
    found = intervals_between(["g_a", None, COPIES], [0, 10, 20, 30], None)
    assert found == [Interval("g_a", 0, 10), Interval(COPIES, 20, 30)]


def test_a_network_lasts_as_long_as_the_device_is_in_it():
    names = [None, "g_a", COPIES, ENTROPY_CODER, "g_s", None]
    hosts = [0, 1, 5, 60, 80, 83, 100]  # copies wait for g_a; after g_s there is only the waiting at the end
    devices = [0, 2, 55, 58, 82, 98, 99]
    found = nanoseconds_by_name(0, 100, intervals_between(names, hosts, devices))
    assert found == {"g_a": 53, COPIES: 5, ENTROPY_CODER: 20, "g_s": 16, OTHER: 6}


@given(st.lists(st.sampled_from(["g_a", "g_s", COPIES, None]), min_size=1, max_size=8), st.data())
def test_late_devices_lose_no_time(names, data):
    steps = st.lists(st.integers(0, 9), min_size=len(names), max_size=len(names))
    hosts = list(accumulate(data.draw(steps), initial=100))
    devices = [at + 5 for at in accumulate(data.draw(steps), initial=100)]
    found = nanoseconds_by_name(hosts[0], hosts[-1], intervals_between(names, hosts, devices))
    assert sum(found.values()) == hosts[-1] - hosts[0]
    assert found.keys() <= {*filter(None, names), OTHER}


def test_many_intervals_take_little_time():
    dice = random.Random(0)
    starts = [dice.randrange(10**9) for _ in range(20_000)]
    line = [Interval(f"{s % 7}", s, s + dice.randrange(10**6), s % 3 == 0) for s in starts]
    assert sum(nanoseconds_by_name(0, 10**9, line).values()) == 10**9


def test_on_the_cpu_sleeps_are_found_where_they_were():
    started = perf_counter()
    with Timeline(torch.device("cpu")) as line:
        line.enter("g_a")
        sleep(0.02)
        line.enter(ENTROPY_CODER)
        assert line.now == ENTROPY_CODER
        sleep(0.03)
        line.leave()
        line.leave()
        assert line.now is None
        sleep(0.01)
    took = perf_counter() - started
    found = line.seconds()
    assert found["g_a"] >= 0.02
    assert found[ENTROPY_CODER] >= 0.03
    assert found[OTHER] >= 0.01
    assert 0.06 <= sum(found.values()) <= took


@pytest.mark.gpu
def test_on_a_gpu_the_waiting_host_is_the_networks_time():
    device = torch.device("cuda")
    x = torch.randn(4096, 4096, device=device)
    for _ in range(3):
        x @ x
    torch.cuda.synchronize()
    started = perf_counter()
    with Timeline(device) as line:
        line.enter("g_a")
        y = x
        for _ in range(50):
            y = (y @ x).clamp(-1, 1)
        line.leave()  # long before the device has left it
        launched = perf_counter() - started
        line.enter(COPIES)
        y[:1, :1].tolist()
        line.leave()
        line.enter(ENTROPY_CODER)
        sleep(0.05)
        line.leave()
    took = perf_counter() - started
    found = line.seconds()
    assert sum(found.values()) <= took
    assert found[ENTROPY_CODER] >= 0.05
    assert found["g_a"] > launched
    assert found["g_a"] > 0.8 * (took - 0.05)
