"""What the scripts of benchmarks/ import and name exists, also in functions, in strings and in docstrings."""

import ast
import importlib
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "benchmarks").rglob("*.py"))
PROJECT = ("lic_bench", "adapters", "lalic", "vtm", "native")
MODULE = re.compile(rf"\b(?:from|import) ((?:{'|'.join(PROJECT)})(?:\.\w+)*)")
PATH = re.compile(r"\b(?:lic_bench|adapters|lalic|vtm|native|benchmarks|ci|tests)/[\w/]+\.\w+")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_what_a_script_imports_of_the_project_exists(script: Path) -> None:
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in PROJECT:
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name) or find_spec(f"{node.module}.{alias.name}"), alias.name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_modules_and_files_in_a_scripts_text_exist(script: Path) -> None:
    text = script.read_text()
    assert [name for name in MODULE.findall(text) if find_spec(name) is None] == []
    assert [path for path in PATH.findall(text) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["against_compressai", "published_jpeg2000", "vtm_check"])
def test_what_is_not_there_is_one_line(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / f"benchmarks/{name}.py"), "--data-root", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert re.search("Data set 'kodak' is not there|EncoderAppStatic is not", ended.stderr)  # the codec comes first
