"""Every backend of the scan against the reference, and the reference against the formula in plain floats."""

import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.library import opcheck
from torch.utils.flop_counter import FlopCounterMode

from adapters.mambavc.scan import BACKENDS, choose_backend, chunked, cpu, kernels_on, selective_scan
from adapters.mambavc.scan.operator import find_backend

FAST = sorted(set(BACKENDS) - {"reference"})
TOLERANCE = {torch.float64: 1e-12, torch.float32: 5e-6}  # of the largest result


def close(got, expected, dtype):
    assert got.dtype == dtype
    scale = max(1.0, expected.abs().max().item())
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=TOLERANCE[dtype] * scale)


def by_loops(x, x_proj, dt_weight, dt_bias, a_logs, ds):
    """The result [H, W, D] in plain floats. All arguments are nested lists."""
    height, width, channels, states, rank = len(x), len(x[0]), len(x[0][0]), len(a_logs[0]), len(dt_weight[0][0])
    rows = [(i, j) for i in range(height) for j in range(width)]
    columns = [(i, j) for j in range(width) for i in range(height)]
    y = [[[0.0] * channels for _ in range(width)] for _ in range(height)]
    for k, path in enumerate((rows, columns, rows[::-1], columns[::-1])):
        h = [[0.0] * states for _ in range(channels)]
        for i, j in path:
            u = x[i][j]
            projected = [sum(w * value for w, value in zip(row, u, strict=True)) for row in x_proj[k]]
            b, c = projected[rank : rank + states], projected[rank + states :]
            for d in range(channels):
                raw = sum(w * p for w, p in zip(dt_weight[k][d], projected, strict=False)) + dt_bias[k][d]
                dt = math.log1p(math.exp(raw))
                for n in range(states):
                    h[d][n] *= math.exp(-dt * math.exp(a_logs[k * channels + d][n]))
                    h[d][n] += dt * b[n] * u[d]
                    y[i][j][d] += c[n] * h[d][n]
                y[i][j][d] += ds[k * channels + d] * u[d]
    return y


def test_reference_is_the_formula(inputs):
    x, *weights = inputs(3, 4)
    expected = torch.tensor(by_loops(x[0].tolist(), *(w.tolist() for w in weights)), dtype=torch.float64)
    close(selective_scan(x, *weights, backend="reference")[0], expected, torch.float64)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (5, 3), (16, 24), (40, 1)])
@pytest.mark.parametrize("channels", [5, 16, 37])
def test_backend_is_the_reference(inputs, backend, dtype, height, width, channels):
    tensors = inputs(height, width, channels)
    got = selective_scan(*(t.to(dtype) for t in tensors), backend=backend)
    close(got, selective_scan(*tensors, backend="reference"), dtype)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_network_s_sizes(inputs, backend, dtype):
    tensors = inputs(8, 12, channels=512, rank=16, states=16)
    got = selective_scan(*(t.to(dtype) for t in tensors), backend=backend)
    close(got, selective_scan(*tensors, backend="reference"), dtype)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("bias", [-800.0, -60.0, 0.0, 18.0, 20.0, 30.0, 1000.0])
def test_both_ends_of_softplus_and_steps_that_forget_everything(inputs, backend, dtype, bias):
    tensors = inputs(6, 9, bias=bias)
    got = selective_scan(*(t.to(dtype) for t in tensors), backend=backend)
    close(got, selective_scan(*tensors, backend="reference"), dtype)


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_softplus_is_the_identity_above_20(inputs, backend):
    """One pixel, whose state is dt B x: the result is linear in dt, exactly the bias here."""
    x, x_proj, dt_weight, dt_bias, a_logs, ds = inputs(1, 1, channels=1, states=1)
    dt_weight.zero_(), ds.zero_()
    for bias, dt in ((20.5, 20.5), (19.5, math.log1p(math.exp(19.5)))):
        y = selective_scan(x, x_proj, dt_weight, torch.full_like(dt_bias, bias), a_logs, ds, backend)
        b_and_c = F.linear(x, x_proj.flatten(0, 1)).view(4, -1)[:, 2:].prod(1)
        assert y.item() == pytest.approx(dt * x.item() * b_and_c.sum().item(), rel=1e-14)


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_each_picture_is_scanned_by_itself(inputs, backend):
    x, *weights = inputs(4, 5, batch=3)
    together = selective_scan(x, *weights, backend=backend)
    for i in range(3):
        close(selective_scan(x[i : i + 1], *weights, backend=backend), together[i : i + 1], torch.float64)
    assert selective_scan(x[:0], *weights, backend=backend).shape == (0, 4, 5, 5)


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_strided_input_gives_contiguous_output(inputs, backend):
    x, *weights = inputs(4, 6)
    strided = x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    y = selective_scan(strided, *weights, backend=backend)
    assert y.is_contiguous()
    close(y, selective_scan(x, *weights, backend=backend), torch.float64)


def exchanged(weights, order):
    """The weights with the directions in another order."""
    return [w.view(4, -1, *w.shape[1:])[order].view(w.shape) for w in weights]


@pytest.mark.parametrize("backend", sorted(BACKENDS))
@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 1000), bias=st.floats(-30, 5))
@settings(max_examples=25, deadline=None)
def test_a_turned_picture_and_exchanged_directions_turn_the_result(inputs, backend, height, width, seed, bias):
    x, *weights = inputs(height, width, channels=3, bias=bias, seed=seed)
    y = selective_scan(x, *weights, backend=backend)
    transposed = selective_scan(x.transpose(1, 2), *exchanged(weights, [1, 0, 3, 2]), backend=backend)
    close(transposed.transpose(1, 2), y, torch.float64)
    backwards = selective_scan(x.flip(1, 2), *exchanged(weights, [2, 3, 0, 1]), backend=backend)
    close(backwards.flip(1, 2), y, torch.float64)


def test_chunks_are_bounded_by_memory_and_few_for_small_pictures():
    assert chunked.chunk_count(98304, 512 * 16 * 4) == 64
    assert chunked.STATE_BYTES == 4 * 64 * 512 * 16 * 4
    assert chunked.chunk_count(384, 512 * 16 * 4) == math.ceil(math.sqrt(768))
    assert chunked.chunk_count(1, 2**40) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_torch_path_needs_little_memory():
    """All states of a 64 x 64 picture are 537 MB; allowed are 64 MB beside the three arrays of 8.4 MB."""
    code = """
import pathlib, re, torch
from adapters.mambavc.scan import chunked
torch.set_num_threads(1)
def kib(field):
    return int(re.search(field + r":\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
def scan(side):
    x, projected = torch.randn(1, side, side, 512), torch.randn(1, side, side, 4, 48)
    weights = torch.randn(4, 512, 16), torch.randn(4, 512), -torch.rand(4, 512, 16), torch.randn(4, 512)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
    before = kib("VmRSS")
    chunked.forward(x, projected, *weights)
    return kib("VmHWM") - before
scan(2)  # what the first call loads
print(scan(64))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 2 * 8192 < int(done.stdout) < 65536 + 3 * 8192


def test_shapes_are_known_without_computing(inputs):
    x, *weights = inputs(4, 6)
    y = selective_scan(*(t.to("meta") for t in (x, *weights)))
    assert y.shape == x.shape
    assert y.is_meta


def test_operations_are_the_projections_and_seven_per_state(inputs):
    with FlopCounterMode(display=False) as counter:
        selective_scan(*inputs(4, 6, channels=7, rank=2, states=3, batch=2))
    assert counter.get_total_flops() == 2 * 4 * 6 * 4 * (2 * 7 * (2 + 2 * 3) + 7 * (2 * 2 + 7 * 3 + 6))


def test_torch_finds_nothing_wrong_with_the_operator(inputs):
    x, x_proj, dt_weight, dt_bias, a_logs, ds = inputs(3, 4)
    projected = F.linear(x, x_proj.flatten(0, 1)).unflatten(-1, x_proj.shape[:2])
    arguments = (x, projected, dt_weight, dt_bias, -a_logs.exp().view(4, 5, 3), ds.view(4, 5), "auto")
    opcheck(torch.ops.mambavc.selective_scan, arguments)


def test_it_compiles_into_one_graph(inputs):
    tensors = inputs(3, 4)
    compiled = torch.compile(selective_scan, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*tensors), selective_scan(*tensors))


def test_differentiating_is_an_error(inputs):
    x, *weights = inputs(3, 4)
    y = selective_scan(x.requires_grad_(), *weights)
    with pytest.raises(RuntimeError, match="no derivative"):
        y.sum().backward()


def test_the_compiled_kernels_are_what_auto_means_here():
    assert choose_backend("cpu") == kernels_on("cpu") == "cpu"
    assert choose_backend("meta") == "torch"


def test_without_a_library_auto_is_torch_and_asking_for_it_says_how_to_get_it(inputs, monkeypatch):
    monkeypatch.setattr(cpu.KERNELS, "prefix", "absent")
    assert kernels_on("cpu") == "torch-cpu"
    with pytest.raises(RuntimeError, match=r"'cpu' cannot be used: its library was not built.*pip install"):
        selective_scan(*inputs(2, 2), backend="cpu")


def test_wrong_names_shapes_and_types_are_named(inputs):
    x, *weights = inputs(3, 4)
    with pytest.raises(ValueError, match=r"'fast'.*auto, reference, torch, cpu"):
        selective_scan(x, *weights, backend="fast")
    with pytest.raises(ValueError, match=r"x \[B, H, W, D\].*not \[3, 4, 5\]"):
        selective_scan(x[0], *weights)
    with pytest.raises(ValueError, match=r"not .* of torch\.float16"):
        selective_scan(x.half(), *weights)
    with pytest.raises(ValueError, match=r"dt_projs_weight \[4, 5, 2\] with x .*not \[4, 4, 2\]"):
        selective_scan(x, weights[0], weights[1][:, :4], *weights[2:])
    with pytest.raises(ValueError, match=r"ds of the type .*not torch.float32"):
        selective_scan(x, *weights[:-1], weights[-1].float())
    with pytest.raises(RuntimeError, match="'cpu' needs tensors on cpu, not cuda:0"):
        find_backend("cpu", torch.device("cuda", 0))
