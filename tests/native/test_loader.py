"""The loader of compiled kernels: which library it takes, and that it takes none of other sources."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from native import INSTRUCTION_SETS, Kernels
from native.loader import _in_package, source_hash

BUILT = [
    *(("lalic", "lalic_blocks"), ("lalic.biwkv", "biwkv"), ("lic_bench.codecs.rans", "rans")),
    *(("adapters.mambavc.scan", "mambavc_scan"), ("adapters.cool_chic", "cool_chic")),
]


@pytest.mark.parametrize(("package", "prefix"), BUILT)
def test_there_is_a_library_per_instruction_set_of_this_source(package: str, prefix: str) -> None:
    widest = torch.backends.cpu.get_cpu_capability()
    assert Kernels(package, prefix).instruction_set == widest
    usable = INSTRUCTION_SETS[INSTRUCTION_SETS.index(widest) :] if widest in INSTRUCTION_SETS else ("DEFAULT",)
    names = [Path(Kernels(package, prefix, name).library()._name).name for name in usable]
    assert names == [f"{prefix}_{name.lower()}.so" for name in usable]


def test_an_unknown_instruction_set_has_the_default_kernels() -> None:
    library = Kernels("lalic.biwkv", "biwkv", "VSX").library()
    assert Path(library._name).name == "biwkv_default.so"


def test_a_library_that_is_not_there_says_how_to_get_it() -> None:
    kernels = Kernels("lalic.biwkv", "absent", "DEFAULT")
    assert "no absent_default.so in " in (missing := kernels.missing() or "")
    assert "pip install . with a C++ compiler at hand" in missing
    with pytest.raises(OSError, match=r"no absent_default\.so"):
        kernels.call("absent", [1], torch.zeros(1))


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A package with the library and the source of LALIC's pointwise kernels; its name is that of its folder."""
    folder = tmp_path / f"copied_{abs(hash(request.node.name))}"
    (folder / "csrc").mkdir(parents=True)
    (folder / "__init__.py").touch()
    for name in ("lalic_blocks_default.so", "csrc/depthwise.cpp", "csrc/pointwise.cpp"):
        shutil.copy(_in_package("lalic", name), folder / name)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    sys.modules.pop(folder.name, None)


def test_a_library_of_this_source_is_taken(copied: Path) -> None:
    kernels = Kernels(copied.name, "lalic_blocks", "DEFAULT")
    assert kernels.missing() is None
    x = torch.tensor([-1.0, 2.0])
    kernels.call("lalic_squared_relu", [2], x)
    assert x.tolist() == [0.0, 4.0]


@pytest.mark.parametrize("change", ["another line", "another file", "a file less"])
def test_a_library_of_another_source_is_not_taken(copied: Path, change: str) -> None:
    source = copied / "csrc/pointwise.cpp"
    if change == "another line":
        source.write_text(source.read_text() + "\n")
    elif change == "another file":
        (copied / "csrc/more.h").touch()
    else:
        source.unlink()
    missing = Kernels(copied.name, "lalic_blocks", "DEFAULT").missing() or ""
    assert "lalic_blocks_default.so is of another version of its source" in missing


def test_a_library_without_a_hash_is_not_taken(copied: Path) -> None:
    foreign = Path(sys.modules["_ctypes"].__file__ or "")
    shutil.copy(foreign, copied / "foreign_default.so")
    assert "native_source_hash" in (Kernels(copied.name, "foreign", "DEFAULT").missing() or "")


def test_the_headers_count(tmp_path: Path) -> None:
    for name in ("sources", "headers"):
        (tmp_path / name).mkdir()
    before = source_hash(tmp_path / "sources", tmp_path / "headers")
    (tmp_path / "headers/vector.h").touch()
    assert source_hash(tmp_path / "sources", tmp_path / "headers") != before
