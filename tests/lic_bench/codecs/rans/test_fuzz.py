"""The coder under AddressSanitizer and UndefinedBehaviorSanitizer: damaged strings are never read beyond their end."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SOURCES = ROOT / "lic_bench/codecs/rans/csrc"
FLAGS = ("-std=c++17", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def test_damaged_strings_give_symbols_or_an_error_and_no_invalid_read(tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ on PATH")
    program = tmp_path / "fuzz"
    folders = [f"-I{folder}" for folder in (SOURCES, ROOT / "native/include")]
    source = str(Path(__file__).with_name("fuzz.cpp"))
    built = subprocess.run([compiler, *FLAGS, *folders, source, "-o", program], capture_output=True, text=True)
    if "cannot find" in built.stderr:
        pytest.skip("this compiler has no sanitizers")
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([program], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    no_string, symbols, bad_index, too_short, damaged = map(int, ran.stdout.split())
    assert min(no_string, symbols, bad_index, too_short, damaged) > 0, ran.stdout
