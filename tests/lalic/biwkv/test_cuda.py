"""The CUDA kernels: compiled for several GPUs and, as C++, run phase by phase on the CPU; on a GPU, for real."""

import ctypes
import re
import shutil
import subprocess
import threading
from functools import cache, partial
from pathlib import Path

import pytest
import torch

from lalic.biwkv import biwkv, cuda, nvrtc, reference

HERE = Path(__file__).parent
with_compiler = pytest.mark.skipif(nvrtc.missing() is not None, reason=nvrtc.missing() or "")
TOLERANCE = {torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}


@pytest.fixture(scope="module")
def emulators(tmp_path_factory):
    """turned -> get_launch(build, device), which runs the kernels as C++ instead of launching them.

    turned: the threads of a block one after the other from the last, as a GPU may.
    """
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler")

    @cache
    def library(build):
        file = tmp_path_factory.mktemp("emulator") / "emulator.so"
        command = [compiler, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *build.options()]
        subprocess.run([*command, "-I", build.source.parent, "-o", file, HERE / "emulator.cpp"], check=True)
        return ctypes.CDLL(str(file))

    def get_launch(build, device, turned):
        def launch(kernels, arguments):
            for name, blocks, threads in kernels:
                assert blocks > 0, "no legal launch on a GPU"
                status = library(build).launch(name.encode(), ctypes.byref(arguments), blocks, threads, turned)
                assert status == 0, f"no kernel {name} of {threads} threads"

        return launch

    return {turned: partial(get_launch, turned=turned) for turned in (False, True)}


@pytest.fixture(scope="module")
def emulator(emulators):
    return emulators[False]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("decay", [3.0, 300.0, -300.0])
@pytest.mark.parametrize("tokens", [1, 2, 31, 33, 127, 129, 700])
def test_the_kernels_as_cplusplus_are_the_reference(inputs, emulator, tokens, decay, dtype):
    w, u, k, v = inputs(tokens, channels=40 if tokens < 200 else 5, decay=decay)
    k, v = k.to(dtype), v.to(dtype)
    y = cuda.forward(w.float(), u.float(), k, v, emulator)
    assert y.dtype == dtype
    expected = reference.forward(w.float().double(), u.float().double(), k.double(), v.double())
    # exponents are float32: those of strong decays are large, and rounded accordingly
    torch.testing.assert_close(y.double(), expected, rtol=0, atol=TOLERANCE[dtype] * (1 + abs(decay) / 100))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("decay", [3.0, 300.0, -300.0])
@pytest.mark.parametrize("tokens", [1, 2, 33, 65, 300])
def test_their_gradients_too(inputs, emulator, tokens, decay, dtype):
    w, u, k, v = inputs(tokens, channels=35, decay=decay)
    k, v = k.to(dtype), v.to(dtype)
    grad = torch.randn(k.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    got = cuda.backward(w.float(), u.float(), k, v, grad, emulator)
    rounded = (w.float().double(), u.float().double(), k.double(), v.double())
    for one, expected in zip(got, reference.backward(*rounded, grad.double()), strict=True):
        scale = max(expected.abs().max().item(), 1)
        torch.testing.assert_close(one.double(), expected, rtol=0, atol=10 * TOLERANCE[dtype] * scale)


def test_gradients_of_real_length(inputs, emulator):
    w, u, k, v = inputs(6144, channels=3, batch=1)
    tensors = [t.float() for t in (w, u, k, v)]
    grad = torch.randn(k.shape, generator=torch.Generator().manual_seed(1))
    wide = [t.double().requires_grad_() for t in tensors]
    biwkv(*wide, backend="torch").backward(grad.double())
    for one, expected in zip(cuda.backward(*tensors, grad, emulator), wide, strict=True):
        scale = max(expected.grad.abs().max().item(), 1)
        torch.testing.assert_close(one.double(), expected.grad, rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize("decay", [3.0, 300.0])
def test_no_thread_waits_for_another_of_the_same_phase(inputs, emulators, decay):
    """Else it would be a race: in either order of the threads each phase must find and leave the same."""
    tensors = [t.float() for t in inputs(1100, channels=9, batch=2, decay=decay)]
    grad = torch.randn(tensors[2].shape, generator=torch.Generator().manual_seed(1))
    found = [
        [cuda.forward(*tensors, emulators[turned]), *cuda.backward(*tensors, grad, emulators[turned])]
        for turned in (False, True)
    ]
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("tile", [cuda.Tile(16, 8, 2), cuda.Tile(4, 4, 4), cuda.Tile(1, 2, 1)])
def test_any_tile(inputs, emulator, monkeypatch, tile):
    monkeypatch.setattr(cuda, "TILES", {False: tile, True: tile})
    w, u, k, v = (t.float() for t in inputs(500))
    wide = [t.double() for t in (w, u, k, v)]
    torch.testing.assert_close(cuda.forward(w, u, k, v, emulator).double(), reference.forward(*wide), rtol=0, atol=2e-5)
    for one, expected in zip(cuda.backward(w, u, k, v, v, emulator), reference.backward(*wide, wide[3]), strict=True):
        scale = max(expected.abs().max().item(), 1)
        torch.testing.assert_close(one.double(), expected, rtol=0, atol=2e-5 * scale)


def test_what_kernels_cannot_count_is_refused(emulator):
    w, k = torch.ones(1), torch.ones(1, 1, 1)
    with pytest.raises(ValueError, match="takes up to 2147482624"):
        cuda.forward(w, w, *[k.expand(1, 2**31, 1)] * 2, emulator)


def test_an_empty_batch_launches_nothing(inputs, emulator):
    w, u, k, v = (t.float() for t in inputs(5))
    assert cuda.forward(w, u, k[:0], v[:0], emulator).shape == (0, 5, 5)
    assert not cuda.backward(w, u, k[:0], v[:0], k[:0], emulator)[0].any()


def test_nan_and_keys_that_give_nothing(inputs, emulator):
    w, u, k, v = (t.float() for t in inputs(300, batch=1))
    k[0, 0], k[0, 128:] = 200.0, -torch.inf
    y = cuda.forward(w, u, k, v, emulator)
    assert y.isfinite().all()
    v[0, 40, 1] = torch.nan
    assert cuda.forward(w, u, k, v, emulator)[0].isnan().all(0).tolist() == [False, True, False, False, False]


def test_far_tokens_are_not_rounded_away(inputs, emulator):
    """A large key at the start must reach the end over many blocks, whose peaks are large: float32 would round them."""
    w, u, k, v = inputs(20_000, channels=1, batch=1, decay=1.0)
    k = k * 0.1 + 17.0
    k[:, 0] = 29.0
    w, u, k, v = (t.float() for t in (w.abs(), u, k, v))
    expected = biwkv(*(t.double() for t in (w, u, k, v)), backend="torch")
    torch.testing.assert_close(cuda.forward(w, u, k, v, emulator).double(), expected, rtol=0, atol=1e-5)


FEW_BLOCKS = nvrtc.Build(HERE.parents[2] / "benchmarks" / "few_blocks.cu")
BUILDS = [cuda.build(dtype, backward) for dtype in cuda.STORAGE for backward in (False, True)]


def by_values(build):
    return "-".join((build.source.stem, *(value for _, value in build.defined)))


@pytest.mark.parametrize("build", [*BUILDS, FEW_BLOCKS], ids=by_values)
@pytest.mark.parametrize("capability", [(8, 0), (8, 9), (9, 0), (99, 0)])
@with_compiler
def test_the_source_compiles_without_a_gpu(build, capability):
    image = nvrtc.compiled(build, capability)
    assert image.startswith(b"\x7fELF") if capability < (99, 0) else b".target sm_" in image


@pytest.mark.parametrize("build", BUILDS, ids=by_values)
def test_nvcc_compiles_the_source_without_warnings(tmp_path, build):
    """And so that as many blocks as are asked for fit a multiprocessor, with hardly anything spilled for it."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("no nvcc")
    strict = ["-std=c++17", "-Werror", "all-warnings", "-cubin", "-arch=sm_90", "-Xptxas", "-v"]
    command = [nvcc, *strict, *build.options(), "-o", tmp_path / "out", build.source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"Used (\d+) registers", done.stderr)
    spilled = [int(found) for found in re.findall(r"(\d+) bytes spill stores", done.stderr)]
    assert max(spilled) <= (64 if ("BACKWARD", "1") in build.defined else 0)


@with_compiler
def test_an_error_of_the_compiler_is_shown(tmp_path):
    (tmp_path / "broken.cu").write_text("this is no CUDA")
    with pytest.raises(RuntimeError, match=r"could not compile .*broken\.cu for sm_90:\n(.|\n)*error"):
        nvrtc.compiled(nvrtc.Build(tmp_path / "broken.cu"), (9, 0))
    with pytest.raises(RuntimeError, match="as old as sm_30"):
        nvrtc.compiled(BUILDS[0], (3, 0))


@with_compiler
def test_compiled_kernels_are_kept_and_a_changed_source_is_compiled_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled = []
    monkeypatch.setattr(nvrtc, "compiled", lambda *what: compiled.append(what) or b"image")
    for _ in range(2):
        assert nvrtc.kept_image(BUILDS[0], (9, 0)) == b"image"
    assert len(compiled) == 1
    nvrtc.kept_image(BUILDS[1], (9, 0))
    (tmp_path / "changed.cu").write_text("other")
    nvrtc.kept_image(nvrtc.Build(tmp_path / "changed.cu"), (9, 0))
    (tmp_path / "changed.cu").write_text("different")
    nvrtc.kept_image(nvrtc.Build(tmp_path / "changed.cu"), (9, 0))
    assert len(compiled) == 4


@with_compiler
def test_a_cache_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(nvrtc, "compiled", lambda *what: b"image")
    assert nvrtc.kept_image(BUILDS[0], (9, 0)) == b"image"


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(1, 98304, 96), (1, 24576, 144), (2, 6144, 256), (3, 1536, 321), (4, 96, 7)])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_real_sizes_on_a_gpu(inputs, shape, dtype):
    batch, tokens, channels = shape
    w, u, k, v = inputs(tokens, channels, batch, device="cuda")
    k, v = k.to(dtype), v.to(dtype)
    leaves = [w.float().requires_grad_(), u.float().requires_grad_(), k.requires_grad_(), v.requires_grad_()]
    wide = [leaf.detach().double().requires_grad_() for leaf in leaves]
    y, expected = biwkv(*leaves, backend="cuda"), biwkv(*wide, backend="torch")
    torch.testing.assert_close(y.double(), expected, rtol=0, atol=TOLERANCE[dtype])
    grad = torch.randn_like(y)
    y.backward(grad)
    expected.backward(grad.double())
    for one, other in zip(leaves, wide, strict=True):
        scale = max(other.grad.abs().max().item(), 1)
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=0, atol=10 * TOLERANCE[dtype] * scale)


@pytest.mark.gpu
def test_a_thread_in_which_nothing_ran_before(inputs):
    tensors = inputs(500, dtype=torch.float32, device="cuda")
    results = [biwkv(*tensors)]
    torch.cuda.synchronize()
    thread = threading.Thread(target=lambda: results.append(biwkv(*tensors)))
    thread.start()
    thread.join()
    assert torch.equal(*results)


@pytest.mark.gpu
def test_the_current_stream_and_cuda_graphs(inputs):
    tensors = inputs(5000, channels=96, dtype=torch.float32, device="cuda")
    expected = biwkv(*tensors)
    with torch.cuda.stream(torch.cuda.Stream()):
        other = biwkv(*tensors)
    torch.cuda.synchronize()
    assert torch.equal(other, expected)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = biwkv(*tensors)
    tensors[3].neg_()
    graph.replay()
    torch.cuda.synchronize()
    torch.testing.assert_close(captured, -expected)
