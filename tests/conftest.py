"""What several tests share: the fake codecs, images on disk, the shared reference data."""

import contextlib
import gc
import importlib.util
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).parent


def pytest_configure() -> None:
    """Beside other workers of pytest-xdist every process has one thread; the networks here are tiny."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported


@pytest.fixture(autouse=True, scope="session")
def _programs_hear_signals() -> None:
    """What is ignored here, by nohup or in a shell's background, programs inherit; but no handler, whatever it does."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(autouse=True, scope="session")
def _own_temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The lock on timed runs lies among them: with a folder of its own no worker waits for another, or for a user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
        patch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture(autouse=True, scope="module")
def _short_collections() -> None:
    """Else every collection of garbage walks through what pytest, torch and the earlier tests have left: 0.1 s."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def fake_codecs(monkeypatch: pytest.MonkeyPatch) -> None:
    """`fake` and `broken` are registered for one test."""
    from lic_bench.codecs import registry

    monkeypatch.setattr(registry, "_plugins", {})
    for name in ("fake", "broken"):
        registry.add_plugin(HERE / "plugins" / name)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of three small RGB images of noise over a ramp; the last one is of another size."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, (height, width) in enumerate([(16, 24), (16, 24), (17, 5)]):
        ramp = np.linspace(0, 200, width)[None, :, None]
        pixels = (ramp + rng.integers(0, 56, (height, width, 3))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"image{number}.png")
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with reference data (published points, conformance numbers, Kodak); tests skip without it."""
    folder = Path(os.environ.get("LIC_BENCH_SHARED", HERE.parent.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder}; set LIC_BENCH_SHARED")
    return folder


@pytest.fixture(scope="session")
def conformance(shared: Path) -> ModuleType:
    """The module that reads the conformance data: state_dict, expected, and HERE, their folder."""
    found = importlib.util.spec_from_file_location("golden", shared / "conformance" / "golden.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _nan_in_fresh_memory() -> Iterator[None]:
    import torch

    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    assert torch.empty(3).isnan().all()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.utils.deterministic.fill_uninitialized_memory = before[1]


@pytest.fixture(scope="session")
def nan_in_fresh_memory() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """With it, what torch.empty returns is full of NaN, so that an element nobody writes fails a comparison."""
    return _nan_in_fresh_memory


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the whole product, few and long, come first: else one worker has them left when the other is done.

    Tests marked gpu are skipped where torch finds no CUDA device.
    """
    items.sort(key=lambda item: item.path.parent != HERE)
    if not any(item.get_closest_marker("gpu") for item in items):
        return
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))
