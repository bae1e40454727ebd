"""Stored runs that somebody or something changed: every command reads them or says in one line why not.

$LIC_BENCH_DRAWS: how many, 200 for instance.
"""

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lic_bench import cli
from lic_bench.compare.comparable import NotComparable
from lic_bench.report import write_report
from lic_bench.store.run_folder import Run

COUNT = int(os.environ.get("LIC_BENCH_DRAWS", "6"))
SAMPLES = {name: [0.01, 0.02, 0.03] for name in ("encode_s", "decode_s", "canary_s")}
SEEN: dict[str, Any] = {
    **SAMPLES,
    "starts": [0, 0, 0],
    "cold_start_s": {"encode": 0.5, "decode": 0.4},
    "phases_s": {f"{name}/{part}": [0.01, 0.02] for name in ("encode", "decode") for part in ("g_a", "total")},
    "peak_memory_bytes": {"weights": 10, "encode_rss_growth": 1000, "decode_rss_growth": 2000},
    "energy_j": {"encode": 1.0},
    "conditions": {
        "seconds": 1.0, "readings": 4, "cpu_own_s": 0.5, "cpu_others_share": 0.2, "major_faults": 200,
        "load_1m": [0.5, 0.9], "gpu_sm_mhz": [900, 1980], "gpu_reasons": ["idle"], "gpu_clocks_locked": False,
    },
}  # fmt: skip
COUNTED = {
    "codec": "fake", "quality": 4, "width": 768, "height": 512, "path": "forward", "macs": 10**9, "parameters": 10**6,
    "uncounted_ops": {"exp": 2}, "macs_by_kind": {"convolution": 10**9}, "schema": 5,
}  # fmt: skip
WRONG = (
    *(None, True, -1, 0, 7, 0.5, 1e308, 10**30, float("nan"), float("inf")),
    *("", "x", "../x", "\udcff", "\ud83d", "a\nb", "$x^$", "ok", "failed", "random", [], [1], ["x"], {}, {"x": 1}),
)


def damage(folder: Path, chance: random.Random) -> None:
    """Change one value of one file of a run, or its text."""
    path = folder / chance.choices(["run.json", "records.jsonl", "complexity.jsonl"], [4, 5, 1])[0]
    lines = path.read_text().splitlines(keepends=True)
    place = chance.randrange(len(lines)) if path.suffix == ".jsonl" else 0
    text = lines[place] if path.suffix == ".jsonl" else "".join(lines)
    if chance.random() < 0.1:
        cut = chance.randrange(len(text))
        text = text[:cut] + text[cut + chance.randrange(1, 9) :]
    else:
        text = json.dumps(changed(json.loads(text), chance)) + "\n"
    lines[place : place + 1 if path.suffix == ".jsonl" else None] = [text]
    if path.suffix == ".jsonl" and chance.random() < 0.1:
        lines = chance.choice([[], lines[:1], [*lines, *lines]])
    path.write_text("".join(lines))


def changed(values: Any, chance: random.Random) -> Any:
    """The values with one of them, at any depth, taken out or replaced."""
    keys = list(values) if isinstance(values, dict) else list(range(len(values)))
    key = chance.choice(keys)
    if isinstance(values[key], dict | list) and values[key] and chance.random() < 0.8:
        values[key] = changed(values[key], chance)
    elif chance.random() < 0.2:
        del values[key]
    else:
        values[key] = chance.choice(WRONG)
    return values


@pytest.mark.slow
@pytest.mark.usefixtures("fake_codecs")
def test_damaged_runs_are_read_or_refused_in_one_line(
    images: Path,
    tmp_path: Path,
    command_line: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(write_report, "FORMATS", ("svg",))  # drawing takes most of the time
    sound = tmp_path / "sound"
    measure = ["run", "--codecs", "fake", "--datasets", images, "--device", "cpu", "--measure", "quality", "--out"]
    assert command_line(*measure, sound)[0] == cli.OK
    rows = [json.loads(line) | SEEN for line in (sound / "records.jsonl").read_text().splitlines()]
    (sound / "records.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    counts = [COUNTED | {"counter": counter} for counter in ("thop", "exact")]
    (sound / "complexity.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in counts))
    commands = [
        ["compare", sound, "RUN"],
        ["compare", "RUN", "RUN"],
        ["history", "add", "RUN", "--into", tmp_path / "history"],
        [
            "report",
            "RUN",
            "--out",
            tmp_path / "report",
            "--published",
            "none",
            "--reference",
            "none",
            "--anchor",
            "fake",
        ],
        [*measure, "RUN"],
    ]
    problems = []
    for seed in range(COUNT):
        folder = tmp_path / f"run {seed}"
        shutil.copytree(sound, folder)
        damage(folder, random.Random(seed))
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        for command in commands:
            code, _, err = command_line(*(folder if word == "RUN" else word for word in command))
            if code not in (cli.OK, cli.FAILED, cli.BAD_INPUT, NotComparable.exit_code) or "Traceback" in err:
                problems.append((seed, command[0], err[-500:]))
            if code == cli.BAD_INPUT and len(err.splitlines()) != 1:
                problems.append((seed, command[0], err))
        if code != cli.BAD_INPUT:
            assert len(Run(folder).records) >= len(rows), seed
        elif {path.name: path.read_bytes() for path in folder.iterdir()} != before:
            problems.append((seed, "refused, and changed"))
    assert problems == []
