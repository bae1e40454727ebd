"""Which runs may be compared: every difference by its name, and that what moves by itself is none."""

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lic_bench.compare.comparable import (
    NAMES,
    NotComparable,
    check_comparable,
    differences,
    noted_differences,
)
from lic_bench.errors import UserError
from lic_bench.run.options import Options
from lic_bench.run.session import run as run_session
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run
from lic_bench.terminal.progress import RunProgress

Make = Callable[..., Run]
Row = Callable[..., Record]
GPU = {"kind": "discrete", "memory_bytes": 8, "cuda": "13.2"}
DIFFERENT: list[tuple[str, str, str, Any]] = [
    ("machine", "fingerprint", "cpu", "Other CPU"),
    ("machine", "fingerprint", "cores_usable", 64),
    ("machine", "fingerprint", "cpu_capability", "AVX512"),
    ("machine", "fingerprint", "processor", {"governor": "powersave"}),
    ("machine", "fingerprint", "limits", {"cpu_limit": 2.0}),
    ("machine", "fingerprint", "gpu", "Example GPU"),
    ("machine", "fingerprint", "driver", "580.1"),
    ("machine", "fingerprint", "gpu_parts", GPU),
    ("software", "fingerprint", "torch", "2.14.0"),
    ("software", "fingerprint", "torch_build", "beef"),
    ("software", "fingerprint", "settings", {"cudnn.benchmark": True}),
    ("software", "fingerprint", "variables", {"OMP_NUM_THREADS": "8"}),
    ("software", "fingerprint", "packages", {"pillow": "12.0.0"}),
    ("software", "fingerprint", "coders", {"JPEG": "libjpeg-turbo 2.1.0"}),
    ("software", "environment", "packages", {"thop": "0.2.0"}),
    ("protocol", "config", "protocol", "lic-bench-2"),
    ("images", "config", "crop", 64),
    ("images", "config", "sizes", [256, 512]),
    ("images", "config", "complexity_size", [64, 64]),
    ("device", "config", "device", "cuda:0"),
    ("threads", "config", "threads", 8),
    ("threads", "fingerprint", "cores_kept", 1),
    ("effort", "config", "quick", True),
    ("effort", "config", "isolate", True),
    ("effort", "config", "measure", ["quality"]),
]


@pytest.fixture
def base(stored: Make, record: Row) -> Run:
    return stored([record()], environment={"packages": {"thop": "0.1.1", "rich": "15.0.0"}})


def other(base: Run, section: str, key: str, value: Any) -> Run:
    new = copy.copy(base)
    new.name = "new"
    new.info = copy.deepcopy(base.info)
    new.info.setdefault(section, {})[key] = value
    return new


def names(base: Run, new: Run) -> list[str]:
    return [difference.name for difference in differences(base, new)]


@pytest.mark.parametrize(("name", "section", "key", "value"), DIFFERENT, ids=lambda part: str(part)[:20])
def test_each_difference_has_its_name(base: Run, name: str, section: str, key: str, value: Any) -> None:
    new = other(base, section, key, value)
    (found,) = differences(base, new)
    assert (found.name, found.part.split(".")[0]) == (name, key)
    with pytest.raises(NotComparable) as error:
        check_comparable(base, new, [])
    first, line = str(error.value).splitlines()
    assert first == f"base and new cannot be compared; measure both alike, or override with --allow {name}:"
    assert line == f"  {found}"
    assert line.startswith(f"  {name}: {found.part} is ")
    assert line.endswith(" in NEW")
    assert " in BASE, " in line
    assert error.value.exit_code == 3
    assert check_comparable(base, new, [name]) == [found]


def test_every_name_that_can_be_allowed_is_tried_here() -> None:
    by_codec = {"codecs", "qualities", "weights", "modes"}  # below, as records
    assert {name for name, *_ in DIFFERENT} | by_codec | {"records"} == set(NAMES)


def test_several_differences_are_all_told_and_all_must_be_allowed(base: Run) -> None:
    new = other(other(base, "fingerprint", "cpu", "Other CPU"), "config", "threads", 8)
    with pytest.raises(NotComparable, match=r"--allow machine --allow threads:\n  machine: cpu.*\n  threads: threads"):
        check_comparable(base, new, [])
    with pytest.raises(
        NotComparable, match=r"override with --allow threads:\n  threads: threads is 1 in BASE, 8 in NEW$"
    ):
        check_comparable(base, new, ["machine"])
    assert [difference.name for difference in check_comparable(base, new, ["threads", "machine"])] == [
        "machine",
        "threads",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("machin", "Unknown --allow 'machin'. Did you mean 'machine'? Known: "),
        ("everything", "Unknown --allow 'everything'. Known: codecs, device, effort, images, machine, modes, "),
    ],
)
def test_an_unknown_name_is_bad_input(base: Run, name: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        check_comparable(base, base, [name])
    assert str(error.value).startswith(message)
    assert error.value.exit_code == 2


def test_what_is_allowed_need_not_differ(base: Run) -> None:
    assert check_comparable(base, base, NAMES) == []


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("environment", "time", "2027-01-01T00:00:00+00:00"),
        ("environment", "load_average", [64.0, 64.0, 64.0]),
        ("environment", "processor", {"now_mhz": 800.0}),
        ("environment", "command", ["elsewhere/lic-bench", "run", "--out", "elsewhere"]),
        ("environment", "memory_bytes", 1),
        ("environment", "packages", {"thop": "0.1.1", "rich": "1.0.0"}),  # that draws tables
        ("config", "repeats", 50),
        ("config", "budget", 20.0),
        ("warnings", "kodak", "other pictures"),
    ],
)
def test_what_moves_by_itself_or_changes_no_number_is_no_difference(
    base: Run, section: str, key: str, value: Any
) -> None:
    assert differences(base, other(base, section, key, value)) == []
    assert noted_differences(base, other(base, section, key, value)) == []


def test_the_version_is_what_a_comparison_is_for(base: Run) -> None:
    new = other(other(base, "environment", "lic_bench", "0.2.0"), "environment", "git_commit", "fedcba987654-dirty")
    new = other(new, "fingerprint", "kernels", {"lalic": "cpu"})
    new.info["fingerprint"]["lic_bench"] = "0.2.0"
    assert differences(base, new) == []
    assert noted_differences(base, new) == [
        "lic-bench: 0.1.0 in BASE, 0.2.0 in NEW",
        "commit: 0123456789ab in BASE, fedcba987654-dirty in NEW",
        "kernels: absent in BASE, {'lalic': 'cpu'} in NEW",
    ]


def test_a_part_that_one_run_does_not_have(base: Run) -> None:
    new = other(base, "fingerprint", "gpu_parts", None)
    del new.info["fingerprint"]["gpu_parts"]
    (found,) = differences(base, new)
    assert (
        str(found) == "machine: gpu_parts is {'kind': None, 'memory_bytes': None, 'cuda': None} in BASE, absent in NEW"
    )
    new.info = {}
    assert "protocol" in names(base, new)  # a run.json with nothing in it is no crash


def test_long_values_are_cut(base: Run) -> None:
    (found,) = differences(base, other(base, "fingerprint", "settings", {str(key): key for key in range(100)}))
    assert len(str(found)) < 250
    assert "... in NEW" in str(found)


# Codecs and qualities


def test_codecs_must_be_the_same_in_any_order(stored: Make, record: Row) -> None:
    rows = [record(), record(codec="webp"), record(quality=75)]
    both, turned = stored(rows), stored(rows[::-1], name="turned")
    assert differences(both, turned) == []
    one = stored([rows[0], rows[2]], name="one")
    assert names(both, one) == names(one, both) == ["codecs"]
    assert check_comparable(both, one, ["codecs"])


def test_of_the_codecs_that_both_have_everything_else_must_still_agree(stored: Make, record: Row) -> None:
    def run(name: str, codec: str, **parts: Any) -> Run:
        rows = [record(codec="elic", quality=4, weights="aaaa"), record(codec=codec, quality=1, weights="bbbb")]
        return stored(
            rows, name=name, config={"modes": {codec: "rgb"}, **parts}, fingerprint={"programs": {codec: "1"}}
        )

    first, second = run("first", "lalic"), run("second", "mlic")
    assert names(first, second) == ["codecs"]
    weights = {"elic": {"4": "cccc"}, "mlic": {"1": "bbbb"}}
    assert names(first, run("third", "mlic", weights=weights)) == ["codecs", "weights"]
    assert names(first, run("fourth", "lalic", modes={"lalic": "yuv"})) == ["modes"]
    found = other(first, "fingerprint", "programs", {"lalic": "2"})
    assert [str(difference) for difference in differences(first, found)] == [
        "software: programs is {'lalic': '1'} in BASE, {'lalic': '2'} in NEW"
    ]


def test_qualities(stored: Make, record: Row) -> None:
    rows = [record(codec="elic", quality=quality, weights=f"w{quality}") for quality in (1, 2, 3)]
    three, two = stored(rows), stored(rows[1:], name="two")
    assert names(three, two) == ["qualities"]
    assert check_comparable(three, two, ["qualities"])
    assert differences(three, stored([rows[1], rows[0], rows[2]], name="turned")) == []


# Images and records


def test_images(stored: Make, record: Row) -> None:
    rows = [record(image=name) for name in "abc"]
    base = stored(rows)
    fewer = stored(rows[:1], name="fewer", config={"limit": 1})
    assert [str(difference) for difference in differences(base, fewer)] == [
        "images: kodak/b (and 1 more) is there in BASE, absent in NEW"
    ]
    assert [str(difference) for difference in differences(fewer, base)] == [
        "images: kodak/b (and 1 more) is absent in BASE, there in NEW"
    ]
    changed = stored([replace(row, image_sha256="dead") for row in rows], name="changed")
    (found,) = differences(base, changed)
    assert str(found).startswith("images: the sha256 of kodak/a (and 2 more) is ")
    assert str(found).endswith(" in BASE, dead in NEW")
    elsewhere = stored([record(dataset="clic")], name="elsewhere")
    assert set(names(base, elsewhere)) == {"images"}


def test_a_run_that_was_stopped_on_the_way(stored: Make, record: Row) -> None:
    rows = [record(image=name) for name in "abc"]
    base = stored(rows)
    stopped = stored(rows[:1], name="stopped", images=base.info["images"])
    assert [str(difference) for difference in differences(base, stopped)] == [
        "records: jpeg q50 kodak/b (and 1 more) is there in BASE, absent in NEW"
    ]
    assert names(stopped, base) == ["records"]
    assert check_comparable(base, stopped, ["records"])


def test_a_record_that_failed_is_there(stored: Make, record: Row) -> None:
    base = stored([record()])
    assert differences(base, stored([record(status="failed", error="no")], name="new")) == []


def test_operations_that_one_run_did_not_count(
    stored: Make, record: Row, complexity: Callable[..., Complexity]
) -> None:
    rows = [record(codec="elic", quality=4)]
    base = stored(rows, [complexity(), complexity(path="encode"), complexity(counter="thop")])
    new = stored(rows, [complexity()], name="new")
    assert [str(difference) for difference in differences(base, new)] == [
        "records: elic q4 exact, encode (and 1 more) is there in BASE, absent in NEW"
    ]
    lean = stored(rows, name="lean", config={"measure": ["quality"]})
    assert names(base, lean) == ["effort"]  # it was not to count any


def test_two_runs_made_here_one_after_the_other_are_comparable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # waits for no other run that takes times
    runs = []
    for name in ("first", "second"):
        options = Options(
            codecs="jpeg", datasets="sample", out=tmp_path / name, qualities=["50"], limit=1, crop=64, threads=1,
            repeats=2, isolate=False,
        )  # fmt: skip
        run_session(options, RunProgress(Console(quiet=True)))
        runs.append(Run(tmp_path / name))
        time.sleep(1.1)  # the times in run.json are to the second
    assert runs[0].info["environment"]["time"] != runs[1].info["environment"]["time"]
    assert [str(difference) for difference in differences(*runs)] == []
    assert noted_differences(*runs) == []


def test_records_of_several_commits_are_noted(stored: Make, record: Make) -> None:
    runs = [stored([record(), record(image="kodim02.png")], name=name) for name in ("base", "new")]
    assert noted_differences(*runs) == []
    runs[1].records["commit"] = ["0123456789ab", "ba9876543210"]
    assert noted_differences(*runs) == ["NEW has records of 2 commits: 0123456789ab, ba9876543210"]
