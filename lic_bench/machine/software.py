"""Packages and their versions, torch's build and switches, and the commit of this code."""

import hashlib
import os
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lic_bench import __version__
from lic_bench.codecs.process_settings import SDP_KINDS, torch_switches
from lic_bench.machine.published_settings import published_variables
from lic_bench.system.git import GitError, git

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = (
    *("compressai", "jinja2", "matplotlib", "numpy", "nvidia-ml-py", "packaging", "pandas", "pillow", "platformdirs"),
    *("psutil", "pytorch-msssim", "rich", "scipy", "setuptools", "thop", "torchvision", "typer"),
    *("pillow-jxl-plugin", "imageio-ffmpeg", "cuda-bindings", "fvcore", "triton"),
)


def describe_software() -> dict[str, Any]:
    """Plain JSON values, None if unknown: packages, torch_build, numpy_blas, variables."""
    return {
        "packages": {name: _version(name) for name in PACKAGES} | {"torch": torch.__version__},
        "torch_build": parse_torch_build(torch.__config__.show(), torch.__config__.parallel_info()),
        "numpy_blas": _numpy_blas(),
        "variables": published_variables(os.environ),
    }


def torch_settings() -> dict[str, Any]:
    """torch's switches that change what is computed, or how fast."""
    values = {name: setting.read() for name, setting in torch_switches().items()}
    sdp = {name: values.pop(f"sdp.{name}") for name in SDP_KINDS}
    return {
        **values,
        "sdp": [name for name, is_on in sdp.items() if is_on],
        "default_dtype": str(values["default_dtype"]).removeprefix("torch."),
        "interop_threads": torch.get_num_interop_threads(),
    }


def parse_torch_build(shown: str, parallel: str) -> dict[str, Any]:
    """What torch's own texts say of how it was built (`shown`, hashed as sha256) and computes in parallel."""

    def first(pattern: str, text: str) -> str | None:
        match = re.search(pattern, text)
        return match[1] if match else None

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


def own_software() -> dict[str, str | None]:
    """What two processes must have in common for one to read what the other pickled."""
    return {"lic_bench": __version__, "git_commit": git_commit()}


def git_commit(home: Path = CHECKOUT) -> str | None:
    """The first 12 digits of the commit of a repository, by default this code's; None outside of a repository.

    If files differ from it, "-dirty-" and a hash of the differences follow, so that two different work trees are not
    taken for one. Never a tag: that may be moved, and does not tell what came after it.
    """
    if not (home / ".git").exists():
        return None
    try:
        commit = git("rev-parse", "--short=12", "HEAD", home=home).decode().strip()
        differences = git("diff", "HEAD", home=home)
    except GitError:
        return None
    return f"{commit}-dirty-{hashlib.sha256(differences).hexdigest()[:8]}" if differences else commit


def _numpy_blas() -> str | None:
    show_config: Any = np.show_config  # the type hints lack `mode`
    try:
        blas = show_config(mode="dicts")["Build Dependencies"]["blas"]
    except (TypeError, KeyError):
        return None
    return f"{blas.get('name')} {blas.get('version')}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
