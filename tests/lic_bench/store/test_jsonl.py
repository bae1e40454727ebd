import subprocess
import sys
from pathlib import Path

import pytest

from lic_bench.store import jsonl


def test_lines_are_appended_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert list(jsonl.whole_lines(path)) == []
    jsonl.append(path, "one\ntwo\n")
    jsonl.append(path, "three\n")
    assert list(jsonl.whole_lines(path)) == [b"one", b"two", b"three"]


def test_a_torn_last_line_does_not_count_and_is_cut_only_on_repair(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\ntw")
    assert list(jsonl.whole_lines(path)) == [b"one"]
    assert path.read_bytes() == b"one\ntw"
    assert list(jsonl.whole_lines(path, repair=True)) == [b"one"]
    assert path.read_bytes() == b"one\n"


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\n")
    code = f"""
import resource, signal, sys
from pathlib import Path
from lic_bench.store import jsonl
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    jsonl.append(Path({str(path)!r}), "x" * 100 + "\\n")
except OSError:
    sys.exit(7)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == 7
    assert path.read_bytes() == b"one\n"


def test_a_file_that_may_not_be_read_raises(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        list(jsonl.whole_lines(tmp_path))
