"""The compiled CPU kernels: the same bits on every instruction set and with any number of threads; exp's error."""

import ctypes
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lalic.biwkv import biwkv, choose_backend, cpu, reference
from native import INSTRUCTION_SETS


def usable():
    """The instruction sets of this processor that there are libraries for."""
    widest = torch.backends.cpu.get_cpu_capability()
    return INSTRUCTION_SETS[INSTRUCTION_SETS.index(widest) :] if widest in INSTRUCTION_SETS else ("DEFAULT",)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def inputs_of(inputs, dtype, *args, **kwargs):
    """k and v of a type, w and u of at least float32."""
    w, u, k, v = inputs(*args, **kwargs)
    wide = torch.promote_types(dtype, torch.float32)
    return [w.to(wide), u.to(wide), k.to(dtype), v.to(dtype)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("decay", [3.0, 2000.0])
def test_every_instruction_set_gives_the_same_bits(inputs, monkeypatch, dtype, decay):
    tensors = inputs_of(inputs, dtype, 300, channels=64, decay=decay)
    grad = torch.ones_like(tensors[2])
    results = []
    for name in usable():
        monkeypatch.setattr(cpu.KERNELS, "instruction_set", name)
        results.append([cpu.forward(*tensors), *cpu.backward(*tensors, grad)])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@given(tokens=st.integers(1, 300), channels=st.integers(1, 40), decay=st.sampled_from([3.0, -30.0, 2000.0]))
@settings(max_examples=40, deadline=None)
def test_bfloat16_is_summed_in_float32_and_rounded_once(inputs, tokens, channels, decay):
    w, u, k, v = inputs_of(inputs, torch.bfloat16, tokens, channels=channels, decay=decay)
    y = cpu.forward(w, u, k, v)
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, cpu.forward(w, u, k.float(), v.float()).bfloat16())
    expected = reference.forward(*(t.double() for t in (w, u, k, v)))
    torch.testing.assert_close(y.double(), expected, rtol=1.001 * 2**-8, atol=2e-5)  # half a unit, and float32's sums


def test_nan_in_bfloat16_stays_nan(inputs):
    w, u, k, v = inputs_of(inputs, torch.bfloat16, 200, channels=32)
    w[16:] *= 3000  # one group of 16 by running maxima, the other without
    v[0, 100, ::16] = torch.nan
    y = cpu.forward(w, u, k, v)
    assert y[0, 100, ::16].isnan().all()
    assert not y[..., 1::16].isnan().any()


@pytest.mark.parametrize("batch", [1, 3])
def test_the_number_of_threads_changes_nothing(inputs, threads, batch):
    tensors = inputs(1000, channels=48, batch=batch, dtype=torch.float32)
    results = []
    for count in (1, 2, 5):
        threads(count)
        results.append([cpu.forward(*tensors), *cpu.backward(*tensors, tensors[3])])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def exp_of(instruction_set, x):
    library, y = replace(cpu.KERNELS, instruction_set=instruction_set).library(), np.full_like(x, np.nan)
    function = getattr(library, {"float32": "biwkv_exp_f32", "float64": "biwkv_exp_f64"}[x.dtype.name])
    function(ctypes.c_int64(len(x)), ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data))
    return y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_is_right_to_a_unit_in_the_last_place(dtype):
    floor = {np.float32: -70, np.float64: -650}[dtype]
    x = np.concatenate([np.linspace(floor, 30, 2**20), np.linspace(-2, 0, 2**18), -np.logspace(-12, 0, 2**18)])
    x = x.astype(dtype)
    exact = np.exp(x.astype(np.longdouble))
    error = np.abs(exp_of(usable()[0], x) - exact) / np.spacing(exact.astype(dtype))
    assert error.max() < 1.2


def test_exp_below_its_floor_and_of_nan():
    x = np.full(64, -1e30, dtype=np.float32)
    x[1] = np.nan
    y = exp_of(usable()[0], x)
    assert 0 < y[0] < 1e-30
    assert np.isnan(y[1])


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by RLIMIT_AS")
def test_running_out_of_memory_is_an_error_and_no_crash():
    code = """
import resource, torch
from lalic.biwkv import biwkv
biwkv(*(torch.randn(*s) for s in ((16,), (16,), (1, 8, 16), (1, 8, 16))))
w, u, k, v = torch.full((16,), 5.0), torch.zeros(16), torch.zeros(1, 10**6, 16), torch.zeros(1, 10**6, 16)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20, -1))
try:
    biwkv(w, u, k, v, "cpu")
except MemoryError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "BiWKV on the CPU ran out of memory at B, T, C = (1, 1000000, 16).\n"


def test_a_library_that_is_not_there_is_an_error_that_says_how_to_get_it(inputs, monkeypatch):
    monkeypatch.setattr(cpu.KERNELS, "prefix", "absent")
    with pytest.raises(RuntimeError, match=r"'cpu' cannot be used: its library was not built.*pip install"):
        biwkv(*inputs(3), backend="cpu")
    assert choose_backend("cpu") == "torch"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_of_channels_of_small_and_of_large_decay_side_by_side(inputs, dtype):
    w, u, k, v = inputs(700, channels=40)
    w[16:32] *= 300  # one group of 16 of three needs running maxima
    tensors = [t.to(dtype) for t in (w, u, k, v)]
    grad = torch.randn(k.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    expected = reference.backward(*(t.double() for t in tensors), grad.double())
    for one, other in zip(cpu.backward(*tensors, grad), expected, strict=True):
        scale = max(other.abs().max().item(), 1)
        limit = 1e-5 if dtype == torch.float32 else 1e-12
        torch.testing.assert_close(one.double(), other, rtol=0, atol=limit * scale)
