"""The second look: real runs of a codec of known times that take turns, and what is asked of them."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lic_bench.compare import confirm
from lic_bench.compare.comparison import Comparison, compare
from lic_bench.compare.confirm import may_be_worse, run_commands, second_look, undecided
from lic_bench.compare.gate_file import read_gates
from lic_bench.compare.verdicts import Verdict
from lic_bench.errors import UserError
from lic_bench.store.records import Record
from lic_bench.store.run_folder import Run

SLEEPER = Path(__file__).parents[2] / "plugins" / "sleeper" / "codec.py"
GATES = read_gates(None)
SLOWER = Verdict(
    codec="jpeg", quality=50, on="kodak@256", metric="encode_s", verdict="WORSE", words="slower", gate="timed",
    change=0.08, low=0.06, high=0.10, threshold=0.03, least=0.03,
)  # fmt: skip


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "STARTS", 4)
    monkeypatch.setattr(confirm, "turns_per_image", lambda images: 8)
    monkeypatch.setattr(confirm, "LOOKS", 1)


@pytest.fixture
def dozers(tmp_path: Path) -> dict[str, Path]:
    """Two plugins of one name; the new one encodes for 1.5 times as long."""
    folders = {name: tmp_path / name / "dozer" for name in ("base", "new")}
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        source = SLEEPER.read_text().replace("sleeper", "dozer")
        slowed = source.replace("time.sleep(self.quality / 1e3)", "time.sleep(1.5 * self.quality / 1e3)")
        assert slowed != source
        (folder / "codec.py").write_text(slowed if name == "new" else source)
    return folders


@pytest.mark.slow
def test_a_slowdown_is_confirmed_and_a_false_alarm_is_not(
    few: None, dozers: dict[str, Path], images: Path, tmp_path: Path
) -> None:
    """Both runs are one and the same, of the old plugin: it is the second look that meets the slower one."""
    words = [sys.executable, "-m", "lic_bench.cli", "run", "--datasets", str(images), "--plugin"]
    how = ([*words, str(dozers["base"])], [*words, str(dozers["new"])])
    asked = ["--codecs", "dozer", "--qualities", "10", "--limit", "1", "--measure", "latency", "--threads", "1"]
    subprocess.run([*how[0], *asked, "--no-isolate", "--out", str(tmp_path / "run")], check=True, capture_output=True)
    run = Run(tmp_path / "run")
    first = compare(run, run, GATES)
    looks = [
        replace(v, verdict="WORSE", change=0.1, high=0.2) if v.metric in confirm.TIMES else v for v in first.verdicts
    ]
    said: list[str] = []
    found = second_look(replace(first, verdicts=looks), run, run, GATES, how, said.append)
    by_metric = {verdict.metric: verdict for verdict in found.verdicts}
    assert by_metric["encode_s"].verdict == "WORSE"
    assert by_metric["encode_s"].confirmed
    assert by_metric["encode_s"].change == pytest.approx(0.5, abs=0.2)
    assert len(by_metric["encode_s"].starts) == confirm.STARTS
    assert by_metric["decode_s"].verdict != "WORSE"
    assert by_metric["decode_s"].change == pytest.approx(0.0, abs=0.15)
    assert said == ["look 2 at dozer q10: BASE and NEW in turn"]


def test_where_nothing_may_be_worse_nothing_is_run(stored: Callable[..., Run], record: Callable[..., Record]) -> None:
    steady = record(encode_s=[0.05] * 8, decode_s=[0.02] * 8, canary_s=[0.01] * 8)
    base, new = (stored([steady], name=name) for name in ("base", "new"))
    first = compare(base, new, GATES)
    nothing = (["/no/such"], ["/no/such"])
    assert second_look(first, base, new, GATES, nothing, pytest.fail) == first


def test_what_may_be_worse() -> None:
    assert may_be_worse(SLOWER)
    assert may_be_worse(replace(SLOWER, verdict="AMBIGUOUS", low=-0.02))
    assert may_be_worse(replace(SLOWER, verdict="AMBIGUOUS", threshold=0.2))  # noise hides nothing
    assert may_be_worse(replace(SLOWER, verdict="AMBIGUOUS", change=-0.2, low=-0.4))  # it says nothing
    assert may_be_worse(replace(SLOWER, verdict="AMBIGUOUS", change=-0.04, low=-0.05, high=-0.02))  # one process's luck
    assert not may_be_worse(replace(SLOWER, verdict="SAME", change=0.01, low=0.0, high=0.02))
    assert not may_be_worse(replace(SLOWER, verdict="BETTER", change=-0.08))
    assert not may_be_worse(replace(SLOWER, accepted="accepted by A. Author"))
    assert not may_be_worse(replace(SLOWER, metric="payload_bytes", gate="exact"))


def test_the_command_asks_for_what_was_measured_and_nothing_else(
    stored: Callable[..., Run], record: Callable[..., Record]
) -> None:
    rows = [record(quality=q, dataset="kodak@256") for q in (30, 50, 75)] + [record(codec="webp", dataset="kodak@256")]
    base = stored(rows, config={"crop": 256, "limit": 4, "threads": 2})
    asked = confirm._options(base, [SLOWER, replace(SLOWER, metric="decode_s"), replace(SLOWER, quality=75)])
    assert asked["--codecs"] == ["jpeg"]
    assert asked["--qualities"] == ["jpeg=50,75"]
    assert asked["--datasets"] == ["kodak"]
    assert (asked["--crop"], asked["--limit"], asked["--threads"]) == (["256"], ["4"], ["2"])
    assert "--weights" not in asked
    words = list(confirm._missing_options(["lic-bench", "run", "--datasets", "my/folder", "--limit=2"], asked))
    assert "--datasets" not in words
    assert "--limit" not in words
    assert words[words.index("--crop") + 1] == "256"


def test_few_images_have_more_turns_each() -> None:
    assert [confirm.turns_per_image(images) for images in (1, 2, 3, 24)] == [40, 20, 14, 8]


def test_two_versions_need_two_commands(stored: Callable[..., Run], record: Callable[..., Record]) -> None:
    base = stored([record()], name="base", environment={"git_commit": "aaaa"})
    new = stored([record()], name="new", environment={"git_commit": "bbbb"})
    with pytest.raises(UserError, match=r"BASE was measured by git_commit aaaa, NEW by bbbb.*--base-run"):
        run_commands(base, new, None, "lic-bench run")
    assert run_commands(base, new, "old/lic-bench run", "lic-bench run --limit 2") == (
        ["old/lic-bench", "run"],
        ["lic-bench", "run", "--limit", "2"],
    )
    with pytest.raises(UserError, match="--new-run is empty; give a command"):
        run_commands(base, base, None, "")
    of_base, of_new = run_commands(base, base, None, None)
    assert of_base == of_new == shlex.split(f"{shlex.quote(sys.executable)} -m lic_bench.cli run")


def test_each_start_has_a_median_difference_of_its_own() -> None:
    old = {"encode_s": [1.0, 3.0, 2.0, 4.0, 4.0, 2.0], "starts": [0, 0, 0, 1, 1, 1]}
    new = {"encode_s": [4.0, 3.0, 4.0, 4.0, 6.0, 3.0, 5.0], "starts": [0, 0, 0, 1, 1, 1, 2]}
    assert confirm._differences(old, new, "encode_s") == pytest.approx({0: np.log(2.0), 1: np.log(1.5)})
    together = confirm._by_start([{0: 0.1, 1: 0.2}, {0: 0.3, 1: 0.4, 2: 0.5}])
    assert np.asarray(together) == pytest.approx(np.asarray([[0.1, 0.3], [0.2, 0.4]]))


def test_another_look_is_taken_until_it_is_clear_on_which_side_a_time_is() -> None:
    assert undecided(None)
    assert not undecided(SLOWER)
    assert undecided(replace(SLOWER, low=0.02))
    assert not undecided(replace(SLOWER, verdict="SAME", low=-0.01, high=0.02))
    assert undecided(replace(SLOWER, verdict="AMBIGUOUS", low=-0.01, high=0.04))
    assert not undecided(replace(SLOWER, verdict="BETTER", low=-0.1, high=-0.04))
    assert undecided(replace(SLOWER, verdict="BETTER", low=-0.1, high=-0.01))


def test_a_second_look_at_something_else_is_refused(stored: Callable[..., Run], record: Callable[..., Record]) -> None:
    first = stored([record()], name="first")
    part = stored([record()], name="part", config={"measure": ["latency"], "quick": True})
    assert confirm._check_same_kind(part, first) is part
    other = stored([record()], name="other", fingerprint={"torch": "2.16.0"})
    with pytest.raises(UserError, match=r"measured something else than .*first did: software: torch is 2.15.0"):
        confirm._check_same_kind(other, first)


def test_a_comparison_without_times_is_left_as_it_is(stored: Callable[..., Run], record: Callable[..., Record]) -> None:
    untimed = {"encode_s": [], "decode_s": [], "canary_s": []}
    base = stored([record(**untimed)], name="base")
    grown = stored([record(payload_bytes=20_001, **untimed)], name="grown")
    first: Comparison = compare(base, grown, GATES)
    assert [verdict.metric for verdict in first.regressions] == ["payload_bytes"]
    nothing = (["/no/such"], ["/no/such"])
    assert second_look(first, base, grown, GATES, nothing, pytest.fail).regressions == first.regressions
