"""What other people's code changes in its process while it is imported or works is changed back: others work there.

Nothing here imports torch: commands without it find codecs too.
"""

import contextlib
import gc
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

SDP_KINDS = ("flash", "mem_efficient", "math", "cudnn")  # of torch's attention
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Setting:
    """Something of the process, or of a library in it, that other code can change."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


Settings = Mapping[str, Setting]


@contextlib.contextmanager
def kept_settings() -> Iterator[None]:
    """Random numbers, threads, torch's switches, warnings, garbage collection, the environment, the current folder and
    the answers to signals are afterwards as they were before.

    What is printed inside goes to standard error: the output is the command's.
    """
    with contextlib.redirect_stdout(sys.stderr), _restored(_of_python()), _restored(_of_libraries()):
        yield


def seed_random_numbers(seed: int) -> None:
    """Of Python, NumPy and torch, as far as they are imported."""
    random.seed(seed)
    for name, function in (("numpy", "random.seed"), ("torch", "random.manual_seed")):
        if name in sys.modules:
            attrgetter(function)(sys.modules[name])(seed)


def torch_switches() -> Settings:
    """torch's switches that change what is computed, or how fast; {} before torch is imported."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    deterministic = torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    return {
        **{f"cudnn.{name}": _field(cudnn, name) for name in ("enabled", "deterministic", "benchmark", "allow_tf32")},
        "matmul.allow_tf32": _field(cuda.matmul, "allow_tf32"),
        "matmul.allow_fp16_reduced_precision_reduction": _field(cuda.matmul, "allow_fp16_reduced_precision_reduction"),
        "float32_matmul_precision": Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        "deterministic_algorithms": Setting(*deterministic),
        "mkldnn.enabled": _field(torch.backends.mkldnn, "enabled"),
        **{
            f"sdp.{name}": Setting(getattr(cuda, f"{name}_sdp_enabled"), getattr(cuda, f"enable_{name}_sdp"))
            for name in SDP_KINDS
        },
        "default_dtype": Setting(torch.get_default_dtype, torch.set_default_dtype),
    }


def _of_python() -> Settings:
    filters: Any = warnings.filters
    on_main_thread = threading.current_thread() is threading.main_thread()  # only there can answers be changed
    return {
        **{n.name: Setting(partial(signal.getsignal, n), partial(signal.signal, n)) for n in SIGNALS if on_main_thread},
        "environment": Setting(lambda: dict(os.environ), _write_environment),
        "folder": Setting(_current_folder, _go_to),
        "random": Setting(random.getstate, random.setstate),
        "warnings": Setting(lambda: [*filters], partial(filters.__setitem__, slice(None))),
        "gc": Setting(gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    }


def _of_libraries() -> Settings:
    """Of those that are imported."""
    settings = dict(torch_switches())
    if numpy := sys.modules.get("numpy"):
        settings["numpy.random"] = Setting(numpy.random.get_state, numpy.random.set_state)
    if torch := sys.modules.get("torch"):
        settings |= {
            "torch.random": Setting(torch.random.get_rng_state, torch.random.set_rng_state),
            "threads": Setting(torch.get_num_threads, torch.set_num_threads),
            "gradients": Setting(torch.is_grad_enabled, torch._C._set_grad_enabled),
            "default_device": Setting(torch.get_default_device, partial(_write_default_device, torch)),
        }
    return settings


@contextlib.contextmanager
def _restored(settings: Settings) -> Iterator[None]:
    before = {name: setting.read() for name, setting in settings.items()}
    try:
        yield
    finally:
        for name, setting in settings.items():
            if _differs(setting.read, before[name]):
                setting.write(before[name])


def _differs(read: Callable[[], Any], before: Any) -> bool:
    try:
        return bool(read() != before)
    except (RuntimeError, ValueError, OSError):  # arrays; torch's switches turned in two ways; a folder that is gone
        return True


def _current_folder() -> Path | None:
    """None where it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def _go_to(folder: Path | None) -> None:
    if folder:
        os.chdir(folder)


def _field(owner: Any, name: str) -> Setting:
    return Setting(partial(getattr, owner, name), partial(setattr, owner, name))


def _write_environment(values: Mapping[str, str]) -> None:
    for name in os.environ.keys() - values.keys():
        del os.environ[name]
    os.environ.update(values)


def _write_default_device(torch: Any, device: Any) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)  # else every call would pass through Python
