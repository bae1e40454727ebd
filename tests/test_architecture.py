"""Imports go one way; the light branch stays free of torch; importing modules lists no codec by name."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"lic_bench", "adapters", "lalic", "vtm"}
INTERFACE = {"lic_bench.codec", "lic_bench.spec", "lic_bench.phase_marks"}
LIGHT = [
    *("cli", "errors", "spec", "codecs.registry", "codecs.ycbcr", "history.level_shifts", "images.datasets"),
    *("rate_distortion.bd_rate", "rate_distortion.published", "store.records", "store.run_folder", "system.programs"),
    *("terminal.doctor", "terminal.listings"),
]
LIGHT_PACKAGES = ("report", "report/frames", "report/tables", "report/figures", "compare", "compare/output", "history")


def imported(file: Path) -> set[str]:
    """Dotted names of the project's modules that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module}
    return {name for name in found if name.split(".")[0] in PACKAGES}


def python_files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("file", python_files("lic_bench"), ids=lambda f: str(f.relative_to(ROOT)))
def test_the_harness_imports_no_codec(file: Path) -> None:
    assert {name.split(".")[0] for name in imported(file)} <= {"lic_bench"}


@pytest.mark.parametrize(
    "file",
    [f for package in ("adapters", "lalic", "vtm") for f in python_files(package)],
    ids=lambda f: str(f.relative_to(ROOT)),
)
def test_codecs_import_the_interface_and_their_own_package_only(file: Path) -> None:
    parts = file.relative_to(ROOT).parts
    own = f"adapters.{parts[1]}" if parts[0] == "adapters" else parts[0]
    for name in imported(file):
        assert name in INTERFACE or name.startswith((own, "adapters.shared", "lic_bench.codecs", "lic_bench.system")), (
            f"{file} imports {name}"
        )
        assert parts[0] == "adapters" or not name.startswith("adapters"), f"{file} imports {name}"


def test_biwkv_is_usable_by_itself() -> None:
    for file in python_files("lalic/biwkv"):
        assert all(name.startswith("lalic.biwkv") for name in imported(file)), file


def test_what_reads_runs_never_imports_torch() -> None:
    modules = [f"lic_bench.{name}" for name in LIGHT]
    for package in LIGHT_PACKAGES:
        files = sorted((ROOT / "lic_bench" / package).glob("*.py"))
        assert files, package
        modules += [f"lic_bench.{package.replace('/', '.')}.{f.stem}" for f in files if f.stem != "__init__"]
    code = f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\n"
    code += "from lic_bench.codecs.registry import find_codecs\nassert find_codecs()\n"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_cycle_between_the_modules_of_the_harness() -> None:
    graph = {}
    for file in python_files("lic_bench"):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        top = [n for n in ast.parse(file.read_text()).body if isinstance(n, ast.ImportFrom) and n.module]
        graph[name] = {n.module for n in top if n.module.startswith("lic_bench.")}
    while leaves := [name for name, targets in graph.items() if not targets & graph.keys() - {name}]:
        for name in leaves:
            del graph[name]
    assert not graph, f"modules in or above a cycle: {sorted(graph)}"
