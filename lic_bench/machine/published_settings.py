"""Environment variables and the command line as they may be published: without paths, users, secrets and UUIDs."""

import getpass
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

from lic_bench.machine import nvml

# Variables whose values are published: numbers, lists of devices, names of modes. Of others with BEGINNINGS only that
# they are set, as the value may be a path or a secret.
_VALUED: Mapping[str, str] = {
    "OMP": "NUM_THREADS DYNAMIC PROC_BIND PLACES SCHEDULE WAIT_POLICY THREAD_LIMIT MAX_ACTIVE_LEVELS",
    "GOMP": "CPU_AFFINITY SPINCOUNT",
    "KMP": "AFFINITY BLOCKTIME HW_SUBSET LIBRARY",
    "MKL": "NUM_THREADS DYNAMIC CBWR ENABLE_INSTRUCTIONS THREADING_LAYER DEBUG_CPU_TYPE",
    "OPENBLAS": "NUM_THREADS CORETYPE",
    "ONEDNN": "MAX_CPU_ISA DEFAULT_FPMATH_MODE PRIMITIVE_CACHE_CAPACITY",
    "DNNL": "MAX_CPU_ISA",
    "ATEN": "CPU_CAPABILITY",
    "MALLOC": "ARENA_MAX TRIM_THRESHOLD_ MMAP_THRESHOLD_",
    "CUDA": "VISIBLE_DEVICES DEVICE_ORDER LAUNCH_BLOCKING MODULE_LOADING DEVICE_MAX_CONNECTIONS CACHE_DISABLE",
    "CUBLAS": "WORKSPACE_CONFIG",
    "CUBLASLT": "WORKSPACE_SIZE",
    "NVIDIA": "TF32_OVERRIDE VISIBLE_DEVICES DRIVER_CAPABILITIES",
    "PYTORCH": "CUDA_ALLOC_CONF ALLOC_CONF NO_CUDA_MEMORY_CACHING",
    "TORCH": "CUDNN_V8_API_DISABLED ALLOW_TF32_CUBLAS_OVERRIDE BLAS_PREFER_CUBLASLT",
}
VARIABLES = {f"{start}_{name}" for start, names in _VALUED.items() for name in names.split()}
BEGINNINGS = (*(f"{start}_" for start in _VALUED), "CUBLAS", "CUDNN_", "LD_PRELOAD", "LIC_BENCH_")
SET = "(set)"
_PLAIN = re.compile(r"[\w.,:;=+|()\[\]{}* -]{0,200}")  # no slash: no path, no address
_UUID = re.compile(r"((?:GPU|MIG)-)[0-9a-fA-F][0-9a-fA-F-]{3,}")


def published_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that control threads, libraries and the GPU: the values of VARIABLES, others as SET.

    The UUIDs of GPUs are hashed; of LD_PRELOAD the names of the libraries are kept.
    """
    names = sorted(name for name in environment if name.startswith(BEGINNINGS))
    return {name: _published_value(name, environment[name]) for name in names}


def published_command_line(arguments: Iterable[str] | None = None) -> list[str]:
    """The arguments, by default of this process, with absolute paths shortened to their last part."""
    return [_shorten_paths(argument) for argument in (sys.argv if arguments is None else arguments)]


def _published_value(name: str, value: str) -> str:
    if name == "LD_PRELOAD":
        return " ".join(PurePath(part).name for part in re.split(r"[ :]+", value) if part)
    if name not in VARIABLES or not _PLAIN.fullmatch(value):
        return SET
    return _UUID.sub(lambda match: match[1] + nvml.hash_uuid(match[0]), value)


def _shorten_paths(argument: str) -> str:
    """The argument with each path in it, in lists and after "--option=" too, cut to its last part."""
    parts = re.split(r"([=,:])", argument)
    return "".join(_last_part(part) if part.startswith(("/", "~")) else part for part in parts)


def _last_part(path: str) -> str:
    names = {Path.home().name, _user_name()}
    name = PurePath(path).name
    return "~" if not name or name in names or name.startswith("~") else name


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, as in many containers
        return ""
