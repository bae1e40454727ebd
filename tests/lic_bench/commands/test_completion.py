import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.commands.run import VTM_COLOURS
from vtm.colour import MODES


def question(words: str) -> dict[str, str]:
    """What a shell sets in the environment to ask what may be at the end of these words."""
    return {"_LIC_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}


def test_a_shell_gets_its_answer_from_the_program() -> None:
    program = Path(sys.executable).with_name("lic-bench")
    environment = os.environ | question("lic-bench run --codecs jpeg,lalic")
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["jpeg,lalic", "jpeg,lalic-msssim", "jpeg,lalic-small"])


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("sc", ["scale"]),
        ("run --datasets ko", ["kodak"]),
        ("run --measure latency,q", ["latency,quality"]),
        ("run --measure latency,c", ["latency,complexity"]),
        ("run --weights r", ["random", "require"]),
        ("run --allow ", ["commit"]),
        ("run --vtm-colour r", ["rgb"]),
        ("scale --device c", ["cpu", "cuda"]),
        ("list co", ["codecs"]),
        ("list codecs lalic jpe", ["jpeg", "jpeg-xl", "jpeg2000"]),
        ("list datasets jpe", []),
        ("fetch ", ["kodak", "clic", "tecnick", "weights", "streams"]),
        ("fetch weights --codecs el", ["elic"]),
        ("fetch streams --codecs cool", ["cool-chic"]),
        ("train lalic-s", ["lalic-small"]),
        ("train jpe", []),
        ("train lalic --metric ", ["mse", "ms-ssim"]),
        ("train lalic --precision b", ["bf16"]),
        ("train lalic --allow ", ["commit", "data"]),
        ("report --method ", ["pchip", "cubic", "akima"]),
        ("report --published lalic,pa", ["lalic,paper"]),
        ("report --reference kodak-t", ["kodak-times"]),
        ("report --anchor web", ["webp"]),
        ("compare a b --allow ma", ["machine"]),
        ("history --metric encode_s,pay", ["encode_s,payload_bytes"]),
        ("history --codec lalic-s", ["lalic-small"]),
    ],
)
def test_a_shell_is_told_what_may_come_next(
    exit_code: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    offered: list[str],
) -> None:
    for name, value in question(f"lic-bench {words}").items():
        monkeypatch.setenv(name, value)
    assert exit_code() == cli.OK
    assert sorted(capsys.readouterr().out.split()) == sorted(offered)


def test_the_colours_that_are_offered_are_those_of_vtm() -> None:
    assert set(VTM_COLOURS) == MODES.keys()
