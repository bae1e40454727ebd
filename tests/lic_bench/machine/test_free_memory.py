"""Free memory, of the machine and of the limits on a process."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lic_bench.machine.free_memory import free_memory_bytes, left_of_groups

LIMITED = """
import resource
from lic_bench.machine.free_memory import free_memory_bytes
resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9))
print(free_memory_bytes())
"""


def test_it_is_at_most_what_the_machine_has_available() -> None:
    assert 0 < free_memory_bytes() <= psutil.virtual_memory().total


def test_a_limit_of_the_process_counts() -> None:
    shown = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True).stdout
    assert 1e9 < int(shown) < 2e9


@pytest.mark.parametrize(
    ("line", "folder", "names"),
    [
        ("0::/user/job", "user", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:cpu,memory:/user/job",
            "memory/user",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
)
def test_the_group_above_limits_too(tmp_path: Path, line: str, folder: str, names: tuple[str, str, str]) -> None:
    (tmp_path / "cgroup").write_text(f"1:cpu:/user/job\n{line}\n")
    for group, limit in ((tmp_path / folder, "5000"), (tmp_path / folder / "job", "max")):
        group.mkdir(parents=True, exist_ok=True)
        (group / names[0]).write_text(f"{limit}\n")
        (group / names[1]).write_text("3000\n")
        (group / "memory.stat").write_text(f"anon 1\n{names[2]} 700\n")
    assert list(left_of_groups(tmp_path / "cgroup", tmp_path)) == [2700]


def test_without_control_groups_there_is_no_limit_of_them(tmp_path: Path) -> None:
    assert list(left_of_groups(tmp_path / "cgroup", tmp_path)) == []
