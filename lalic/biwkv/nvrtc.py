"""CUDA source compiled for the GPU at hand by NVRTC, kept on disk, and its kernels launched on torch's stream.

By NVIDIA's own cuda-bindings, which torch brings along; no CUDA toolkit and no compiler are needed.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch

OPTIONS = ("--std=c++17",)


class Build(NamedTuple):
    """A source file, which may include the .cuh files beside it, and the macros defined for it."""

    source: Path
    defined: tuple[tuple[str, str], ...] = ()

    def options(self) -> list[str]:
        return [f"-D{name}={value}" for name, value in self.defined]

    def headers(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in sorted(self.source.parent.glob("*.cuh"))}


@cache
def missing() -> str | None:
    """Why nothing can be compiled here; None if it can."""
    try:
        from cuda.bindings import nvrtc

        _checked(nvrtc.nvrtcVersion())
    except ImportError:
        return "the package cuda-bindings is missing: pip install 'lic-bench[cuda]'"
    except Exception as error:  # its loader fails in several ways where the library is of another major version
        return f"NVRTC cannot be loaded ({error}): install the cuda-bindings of torch's CUDA, {torch.version.cuda}"
    return None


@cache
def launcher(build: Build, device: torch.device) -> Callable[[Sequence[tuple[str, int, int]], ctypes.Structure], None]:
    """A function that launches some of a build's kernels, (name, blocks, threads per block), on the current stream.

    Compiles at the first call for a kind of GPU: seconds, once. Not to be called while a CUDA graph is captured.
    """
    from cuda.bindings import driver

    if torch.cuda.is_current_stream_capturing():
        raise RuntimeError("Kernels cannot be compiled and loaded while a CUDA graph is captured: call once before.")
    index = torch.cuda.current_device() if device.index is None else device.index
    with torch.cuda.device(index):
        torch.cuda.current_stream().synchronize()  # creates torch's context, which the module is loaded into
        image = kept_image(build, torch.cuda.get_device_capability(index))
        module = _checked(driver.cuModuleLoadData(image))
        context = _checked(driver.cuCtxGetCurrent())

    @cache
    def kernel(name: str) -> Any:
        return _checked(driver.cuModuleGetFunction(module, name.encode()))

    def launch(kernels: Sequence[tuple[str, int, int]], argument: ctypes.Structure) -> None:
        parameters = (ctypes.c_void_p * 1)(ctypes.addressof(argument))
        with torch.cuda.device(index):
            _checked(driver.cuCtxSetCurrent(context))  # a new thread has none until torch itself works in it
            stream = torch.cuda.current_stream().cuda_stream
            for name, blocks, threads in kernels:
                shape = (blocks, 1, 1, threads, 1, 1)
                _checked(driver.cuLaunchKernel(kernel(name), *shape, 0, stream, ctypes.addressof(parameters), 0))

    return launch


def cache_folder() -> Path:
    """Where compiled kernels are kept: $XDG_CACHE_HOME or ~/.cache, in lalic/. OSError if there is no home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lalic"
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from None


def kept_image(build: Build, capability: tuple[int, int]) -> bytes:
    """`compiled`, from the cache folder if it is there, kept there if that can be written."""
    from cuda.bindings import nvrtc

    versions = _checked(nvrtc.nvrtcVersion())
    what = (build.source.read_text(), build.headers(), build.options(), OPTIONS, capability, versions)
    name = f"{build.source.stem}-{hashlib.sha256(repr(what).encode()).hexdigest()[:32]}"
    with suppress(OSError):
        return (cache_folder() / name).read_bytes()
    image = compiled(build, capability)
    with suppress(OSError):  # a home that cannot be written costs the seconds again next time
        _keep(cache_folder() / name, image)
    return image


def _keep(file: Path, image: bytes) -> None:
    """Write a file in one step: another process may be reading it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        part = Path(folder) / file.name
        part.write_bytes(image)
        part.replace(file)


def compiled(build: Build, capability: tuple[int, int]) -> bytes:
    """The source as machine code for a GPU of that compute capability, or, for one that NVRTC does not know, as PTX.

    Raises RuntimeError with the compiler's log.
    """
    from cuda.bindings import nvrtc

    wanted = capability[0] * 10 + capability[1]
    known = [arch for arch in _checked(nvrtc.nvrtcGetSupportedArchs()) if arch <= wanted]
    if not known:
        raise RuntimeError(f"NVRTC {_checked(nvrtc.nvrtcVersion())} compiles for no GPU as old as sm_{wanted}.")
    target = f"sm_{wanted}" if wanted in known else f"compute_{max(known)}"
    options = [*OPTIONS, f"--gpu-architecture={target}", *build.options()]
    source = build.source
    headers = build.headers()
    program = _checked(
        nvrtc.nvrtcCreateProgram(
            source.read_bytes(),
            source.name.encode(),
            len(headers),
            list(headers.values()),
            [name.encode() for name in headers],
        )
    )
    try:
        status, *_ = nvrtc.nvrtcCompileProgram(program, len(options), [option.encode() for option in options])
        if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            log = _text(nvrtc, "ProgramLog", program).rstrip(b"\0").decode()
            raise RuntimeError(f"NVRTC could not compile {source} for {target}:\n{log}")
        return _text(nvrtc, "CUBIN" if target.startswith("sm_") else "PTX", program)
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _text(nvrtc: Any, what: str, program: Any) -> bytes:
    """nvrtcGet<what>, which fills a buffer of the size that nvrtcGet<what>Size tells."""
    size = _checked(getattr(nvrtc, f"nvrtcGet{what}Size")(program))
    buffer = b" " * max(2, size)  # never one byte: those are objects shared by all
    _checked(getattr(nvrtc, f"nvrtcGet{what}")(program, buffer))
    return buffer


def _checked(answer: tuple[Any, ...]) -> Any:
    """The values of a call to cuda-bindings. Raises RuntimeError if its status is not success."""
    status, *values = answer
    if status.value != 0:
        raise RuntimeError(f"CUDA answered {status!r}.")
    return values[0] if len(values) == 1 else tuple(values)
