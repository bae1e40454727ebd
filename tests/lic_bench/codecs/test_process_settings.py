"""What other people's code does to this process is undone."""

import gc
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from lic_bench.codecs.process_settings import kept_settings, seed_random_numbers, torch_switches
from lic_bench.machine.software import torch_settings


def state() -> dict[str, object]:
    """All that is to be kept, in a form that can be compared."""
    return {
        **torch_settings(),
        "threads": torch.get_num_threads(),
        "device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "random": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),
        "torch": torch.random.get_rng_state().tolist(),
        "warnings": list(warnings.filters),
        "gc": gc.isenabled(),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
    }


MEDDLING: dict[str, Callable[[], object]] = {
    "random": random.random,
    "numpy": np.random.rand,
    "torch": lambda: torch.rand(1),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "dtype": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "gradients": lambda: torch.set_grad_enabled(False),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "precision": lambda: torch.set_float32_matmul_precision("medium"),
    "cudnn": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "tf32": lambda: setattr(torch.backends.cuda.matmul, "allow_tf32", True),
    "mkldnn": lambda: setattr(torch.backends.mkldnn, "enabled", False),
    "attention": lambda: torch.backends.cuda.enable_math_sdp(False),
    "warnings": lambda: warnings.filterwarnings("ignore", message="meddled with"),
    "gc": gc.disable,
    "variable": lambda: os.environ.update(MEDDLED="1", PATH="elsewhere"),
    "no variable": lambda: os.environ.pop("PATH"),
    "folder": lambda: os.chdir("/"),
    "signal": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
}


@pytest.mark.parametrize("what", [*MEDDLING])
def test_all_is_as_before_also_after_an_error(what: str) -> None:
    before = state()
    with suppress(ZeroDivisionError), kept_settings():
        MEDDLING[what]()
        assert state() != before
        raise ZeroDivisionError
    assert state() == before


def test_what_is_printed_is_no_output_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with kept_settings():
        print("chatter")
    assert capsys.readouterr() == ("", "chatter\n")


def test_every_switch_that_is_recorded_is_kept() -> None:
    recorded = torch_settings()
    assert len(recorded.pop("sdp")) <= len([name for name in torch_switches() if name.startswith("sdp.")])
    assert recorded.keys() - {"interop_threads"} == {name for name in torch_switches() if not name.startswith("sdp.")}


def test_a_seed_is_that_of_all_random_numbers() -> None:
    def draws() -> list[float]:
        seed_random_numbers(3)
        return [random.random(), float(np.random.rand()), float(torch.rand(1))]

    with kept_settings():
        assert draws() == draws()


def test_without_torch_there_are_no_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    assert torch_switches() == {}
