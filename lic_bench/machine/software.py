"""Packages, torch's build and switches, environment variables and the command line."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch

from lic_bench.machine import nvml

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = (
    *("compressai", "jinja2", "matplotlib", "numpy", "nvidia-ml-py", "packaging", "pandas", "pillow", "platformdirs"),
    *("psutil", "pytorch-msssim", "rich", "scipy", "setuptools", "thop", "torchvision", "typer"),
    *("pillow-jxl-plugin", "imageio-ffmpeg", "cuda-bindings", "fvcore", "triton"),
)
# Whose values are taken: numbers, lists of devices, names of modes. Of others with these beginnings only that they are
# set is told, as the value may be a path or a secret.
_VALUED: Mapping[str, str] = {
    "OMP": "NUM_THREADS DYNAMIC PROC_BIND PLACES SCHEDULE WAIT_POLICY THREAD_LIMIT MAX_ACTIVE_LEVELS",
    "GOMP": "CPU_AFFINITY SPINCOUNT",
    "KMP": "AFFINITY BLOCKTIME HW_SUBSET LIBRARY",
    "MKL": "NUM_THREADS DYNAMIC CBWR ENABLE_INSTRUCTIONS THREADING_LAYER DEBUG_CPU_TYPE",
    "OPENBLAS": "NUM_THREADS CORETYPE",
    "ONEDNN": "MAX_CPU_ISA DEFAULT_FPMATH_MODE PRIMITIVE_CACHE_CAPACITY",
    "MALLOC": "ARENA_MAX TRIM_THRESHOLD_ MMAP_THRESHOLD_",
    "CUDA": "VISIBLE_DEVICES DEVICE_ORDER LAUNCH_BLOCKING MODULE_LOADING DEVICE_MAX_CONNECTIONS CACHE_DISABLE",
    "NVIDIA": "TF32_OVERRIDE VISIBLE_DEVICES DRIVER_CAPABILITIES",
    "PYTORCH": "CUDA_ALLOC_CONF ALLOC_CONF NO_CUDA_MEMORY_CACHING",
    "TORCH": "CUDNN_V8_API_DISABLED ALLOW_TF32_CUBLAS_OVERRIDE BLAS_PREFER_CUBLASLT",
}
VARIABLES = {f"{start}_{name}" for start, names in _VALUED.items() for name in names.split()} | {
    "DNNL_MAX_CPU_ISA",
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUBLASLT_WORKSPACE_SIZE",
}
BEGINNINGS = (
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "ONEDNN_", "DNNL_", "ATEN_", "MALLOC_", "LD_PRELOAD"),
    *("CUDA_", "CUDNN_", "CUBLAS", "NVIDIA_", "PYTORCH_", "TORCH_", "LIC_BENCH_"),
)
SET = "(set)"
_PLAIN = re.compile(r"[\w.,:;=+|()\[\]{}* -]{0,200}")  # no slash: no path, no address
_UUID = re.compile(r"((?:GPU|MIG)-)[0-9a-fA-F][0-9a-fA-F-]{3,}")


def describe_software() -> dict[str, Any]:
    """packages, torch_build, blas, variables."""
    return {
        "packages": {name: _version(name) for name in PACKAGES} | {"torch": torch.__version__},
        "torch_build": parse_torch_build(torch.__config__.show(), torch.__config__.parallel_info()),
        "numpy_blas": _numpy_blas(),
        "variables": published_variables(os.environ),
    }


def torch_settings() -> dict[str, Any]:
    """torch's switches that change what is computed, or how fast."""
    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    return {
        "cudnn.enabled": cudnn.enabled,
        "cudnn.deterministic": cudnn.deterministic,
        "cudnn.benchmark": cudnn.benchmark,
        "cudnn.allow_tf32": cudnn.allow_tf32,
        "matmul.allow_tf32": cuda.matmul.allow_tf32,
        "matmul.allow_fp16_reduced_precision_reduction": cuda.matmul.allow_fp16_reduced_precision_reduction,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "mkldnn.enabled": torch.backends.mkldnn.enabled,
        "sdp": [name for name in ("flash", "mem_efficient", "math", "cudnn") if _sdp(name)],
        "default_dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "interop_threads": torch.get_num_interop_threads(),
    }


def parse_torch_build(shown: str, parallel: str) -> dict[str, Any]:
    """From torch's own words on how it was built and computes in parallel; sha256: of the former."""

    def first(pattern: str, text: str) -> str | None:
        found = re.search(pattern, text)
        return found[1] if found else None

    return {
        "sha256": hashlib.sha256(shown.encode()).hexdigest()[:12],
        "commit": first(r"COMMIT_SHA=([0-9a-f]{7,40})", shown),
        "compiler": first(r"- ((?:GCC|clang|MSVC)[^\n]*)", shown),
        "mkl": first(r"(?:Math Kernel Library|MKL) Version ([\w.]+)", shown),
        "onednn": first(r"MKL-DNN v?([\w.]+)", shown),
        "openmp": first(r"OpenMP (\d+)", shown),
        "blas": first(r"BLAS_INFO=(\w+)", shown),
        "parallel_backend": first(r"parallel backend: ([^\n]+)", parallel),
        "openmp_threads": int(first(r"omp_get_max_threads\(\) : (\d+)", parallel) or 0) or None,
        "mkl_threads": int(first(r"mkl_get_max_threads\(\) : (\d+)", parallel) or 0) or None,
    }


def published_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that steer threads, libraries and the GPU: the values of VARIABLES, others as SET.

    GPUs' UUIDs in values are hashed; of LD_PRELOAD the names of the libraries are kept.
    """
    found = {name: value for name, value in sorted(environment.items()) if name.startswith(BEGINNINGS)}
    return {name: _value(name, value) for name, value in found.items()}


def published_command_line(arguments: Iterable[str] | None = None) -> list[str]:
    """The arguments of this program, those of `sys.argv` for None; of paths that start at a root the last part only."""
    return [_pathless(argument) for argument in (sys.argv if arguments is None else arguments)]


def git_commit(home: Path = CHECKOUT) -> str | None:
    """The first 12 digits of the commit of a repository, this code's own, "-dirty" where files differ; None outside.

    Never a tag in their place, which may be moved and says nothing of what came after it.
    """
    if not (home / ".git").exists():
        return None
    command = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def _value(name: str, value: str) -> str:
    if name == "LD_PRELOAD":
        return " ".join(PurePath(part).name for part in re.split(r"[ :]+", value) if part)
    if name not in VARIABLES or not _PLAIN.fullmatch(value):
        return SET
    return _UUID.sub(lambda found: found[1] + nvml.hash_uuid(found[0]), value)


def _pathless(argument: str) -> str:
    """Also in lists and behind "--option="; the name of the user's folder is nobody's business either."""
    parts = re.split(r"([=,:])", argument)
    return "".join(_last(part) if part.startswith(("/", "~")) else part for part in parts)


def _last(path: str) -> str:
    names = {Path.home().name, _user()}
    name = PurePath(path).name
    return "~" if not name or name in names or name.startswith("~") else name


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, as in many containers
        return ""


def _sdp(name: str) -> bool:
    ask = getattr(torch.backends.cuda, f"{name}_sdp_enabled", None)  # cudnn's is newer than the oldest torch we take
    return bool(ask and ask())


def _numpy_blas() -> str | None:
    show: Any = np.show_config  # whose types lack the mode
    try:
        blas = show(mode="dicts")["Build Dependencies"]["blas"]
    except (TypeError, KeyError):
        return None
    return f"{blas.get('name')} {blas.get('version')}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
