import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import __version__, cli


def test_the_version(exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == cli.OK
    assert capsys.readouterr().out == f"lic-bench {__version__}\n"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("lic-bench sc", ["scale"]),
        ("lic-bench run --codecs jpeg,lalic", ["jpeg,lalic", "jpeg,lalic-small"]),
        ("lic-bench run --datasets ko", ["kodak"]),
        ("lic-bench run --measure latency,q", ["latency,quality"]),
        ("lic-bench list co", ["codecs"]),
    ],
)
def test_a_shell_is_told_what_may_come_next(words: str, offered: list[str]) -> None:
    program = Path(sys.executable).with_name("lic-bench")
    asked = {"_LIC_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run([program], env=os.environ | asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, offered)
