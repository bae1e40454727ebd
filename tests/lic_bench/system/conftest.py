"""Real executables in Python, and waiting for what they leave."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def program() -> Callable[..., Path]:
    """The function below."""
    return _program


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """The function below."""
    return _gone


@pytest.fixture
def written() -> Callable[..., str]:
    """The function below."""
    return _written


@pytest.fixture
def soon() -> Callable[..., bool]:
    """The function below."""
    return _soon


def _program(folder: Path, text: str, name: str = "coder") -> Path:
    """A real executable that runs `text` as Python."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return path


def _gone(pid: int) -> bool:
    """Whether this process has ended, reaped or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _written(path: Path, seconds: float = 30) -> str:
    """The content of a file as soon as it is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


def _soon(condition, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
