"""The compiled kernels of the scan: the same bits on every instruction set and with any number of threads; softplus."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
import torch

from adapters.mambavc.scan import cpu, selective_scan
from native import INSTRUCTION_SETS


def usable():
    """The instruction sets of this processor that there are libraries for."""
    widest = torch.backends.cpu.get_cpu_capability()
    return INSTRUCTION_SETS[INSTRUCTION_SETS.index(widest) :] if widest in INSTRUCTION_SETS else ("DEFAULT",)


@pytest.fixture
def kernel_arguments(inputs):
    """make(**sizes) -> the arguments of cpu.forward. The projection, torch's own, is made once."""

    def make(**sizes):
        x, x_proj, dt_weight, dt_bias, a_logs, ds = inputs(**sizes)
        projected = torch.nn.functional.linear(x, x_proj.flatten(0, 1)).unflatten(-1, x_proj.shape[:2])
        return x, projected, dt_weight, dt_bias, -a_logs.exp().unflatten(0, (4, -1)), ds.view(4, -1)

    return make


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_instruction_set_gives_the_same_bits(kernel_arguments, monkeypatch, dtype):
    arguments = kernel_arguments(height=13, width=11, channels=64, rank=3, states=16, dtype=dtype)
    results = []
    for name in usable():
        monkeypatch.setattr(cpu.KERNELS, "instruction_set", name)
        results.append(cpu.forward(*arguments))
    assert not results[0].isnan().any()
    assert all(torch.equal(results[0], other) for other in results[1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("batch", "channels"), [(1, 272), (3, 48)])
def test_the_number_of_threads_changes_nothing(kernel_arguments, threads, dtype, batch, channels):
    arguments = kernel_arguments(height=17, width=12, channels=channels, batch=batch, dtype=dtype)
    results = []
    for count in (1, 2, 5, 40):
        threads(count)
        results.append(cpu.forward(*arguments))
    assert all(torch.equal(results[0], other) for other in results[1:])


def test_what_follows_the_last_group_is_not_read_and_not_written(kernel_arguments):
    """Channels are independent of each other: fewer of them give the same bits."""
    x, projected, dt_weight, dt_bias, a, d = kernel_arguments(height=5, width=7, channels=40)
    whole = cpu.forward(x, projected, dt_weight, dt_bias, a, d)
    part = cpu.forward(x[..., :21], projected, dt_weight[:, :21], dt_bias[:, :21], a[:, :21], d[:, :21])
    assert torch.equal(whole[..., :21], part)


def test_nan_stays_in_its_channel_and_pixel_when_nothing_is_kept(kernel_arguments):
    x, projected, dt_weight, dt_bias, a, d = kernel_arguments(height=3, width=4, channels=20)
    x[0, 1, 2, 7] = torch.nan
    y = cpu.forward(x, projected, dt_weight, dt_bias, a, d)
    assert y[..., 7].isnan().all()
    assert not y[..., :7].isnan().any()
    assert not y[..., 8:].isnan().any()


def softplus_of(instruction_set, x):
    library, y = replace(cpu.KERNELS, instruction_set=instruction_set).library(), np.full_like(x, np.nan)
    function = getattr(library, {"float32": "mambavc_softplus_f32", "float64": "mambavc_softplus_f64"}[x.dtype.name])
    function(ctypes.c_int64(len(x)), ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data))
    return y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softplus_is_right_to_the_last_places(dtype):
    floor = {np.float32: -70, np.float64: -650}[dtype]
    x = np.concatenate([np.linspace(floor, 20, 2**20), np.linspace(-3, 3, 2**19), np.logspace(-12, 0, 2**18)])
    x = x.astype(dtype)
    exact = np.logaddexp(np.longdouble(0), x.astype(np.longdouble))
    error = np.abs(softplus_of(usable()[0], x) - exact) / np.spacing(exact.astype(dtype))
    assert error.max() < 3.5


def test_softplus_far_out_and_of_nan():
    x = np.array([-1e30, 20.5, 1e30, np.inf, np.nan, *[0.0] * 59], dtype=np.float32)
    y = softplus_of(usable()[0], x)
    assert 0 < y[0] < 1e-30
    assert list(y[1:4]) == [np.float32(20.5), np.float32(1e30), np.inf]
    assert np.isnan(y[4])
    assert y[5] == pytest.approx(np.log(2))


def test_the_sums_are_added_in_the_order_of_the_authors(inputs):
    """(rows + rows backwards) + (columns + columns backwards), to the last bit: one pixel, so all four are ds x."""
    x, *weights, _ = inputs(1, 1, channels=16, dtype=torch.float32)
    weights[0].zero_()
    ds = torch.tensor([1.0, 2.0**-24, 2.0**-24, 2.0**-24])
    y = selective_scan(torch.ones_like(x), *weights, ds.repeat_interleave(16), backend="cpu")
    assert y[0, 0, 0, 0] == (ds[0] + ds[2]) + (ds[1] + ds[3]) != ((ds[0] + ds[1]) + ds[2]) + ds[3]
