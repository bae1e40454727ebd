import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.history.history_file import add, differing, read
from lic_bench.history.point import SCHEMA, Point

ROOT = Path(__file__).parents[3]
Nights = Callable[..., list[Point]]
WRITER = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from conftest import _point
from lic_bench.history.history_file import add
"""


def write_elsewhere(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WRITER + code], cwd=ROOT)


def test_points_survive_and_come_back_by_time(tmp_path: Path, nights: Nights) -> None:
    points = nights([1.0, 1 / 3, 2.0], low=0.1)
    assert add(points[2:], tmp_path) == 1
    assert add(points[:2], tmp_path) == 2
    assert read(tmp_path) == points
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["intel-xeon-2-cores-1a2b3c4d.jsonl"]


def test_adding_again_adds_nothing_and_changes_no_byte(tmp_path: Path, nights: Nights) -> None:
    points = nights([1.0, 2.0])
    add(points, tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    before = path.read_bytes()
    assert add(points, tmp_path) == 0
    assert add([*points, *nights([1.0, 2.0, 3.0])[2:]], tmp_path) == 1
    assert path.read_bytes().startswith(before)


def test_each_machine_has_its_file(tmp_path: Path, nights: Nights) -> None:
    add([*nights([1.0]), *nights([2.0], machine="other")], tmp_path)
    assert {path.stem for path in tmp_path.glob("*.jsonl")} == {"intel-xeon-2-cores-1a2b3c4d", "other"}


@pytest.mark.parametrize("kept", [0, 1, 40, -1])
def test_a_torn_last_line_is_cut_and_its_point_added_again(tmp_path: Path, nights: Nights, kept: int) -> None:
    points = nights([1.0, 2.0])
    add(points, tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    whole = path.read_bytes()
    first, second = whole.splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    assert read(tmp_path) == points[:1]
    assert add(points, tmp_path) == 1
    assert path.read_bytes() == whole


def test_a_writer_killed_on_the_way_loses_nothing_that_was_there(tmp_path: Path) -> None:
    code = f"""
for night in range(3):
    add([_point(night)], Path({str(tmp_path)!r}))
import os, signal
from lic_bench.history import history_file
with history_file._writing(Path({str(tmp_path)!r})):
    next(Path({str(tmp_path)!r}).glob("*.jsonl")).open("ab").write(b'{{"torn": ')
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert write_elsewhere(code).wait() == -signal.SIGKILL
    assert len(read(tmp_path)) == 3


def test_several_writers_at_a_time_lose_and_double_nothing(tmp_path: Path) -> None:
    code = f"""
for night in range(20):
    add([_point(night), _point(night, metric="header_bytes")], Path({str(tmp_path)!r}))
"""
    writers = [write_elsewhere(code) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    (path,) = tmp_path.glob("*.jsonl")
    assert len(path.read_bytes().splitlines()) == 40
    assert len(read(tmp_path)) == 40


def test_of_two_lines_with_one_key_the_first_counts(tmp_path: Path, nights: Nights) -> None:
    add(nights([1.0]), tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_text(path.read_text() + path.read_text().replace('"value": 1.0', '"value": 2.0'))
    assert [point.value for point in read(tmp_path)] == [1.0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": SCHEMA + 1}, "update lic-bench"),
        ({"schema": True}, "schema True"),
        ({"surplus": 1}, "'surplus' is unknown"),
        ({"codec": None}, "codec = None should be a valid string"),
        ({"quality": "1"}, "quality = '1' should be a valid integer"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, nights: Nights, change: dict[str, object], says: str) -> None:
    add(nights([1.0, 2.0]), tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{json.dumps(json.loads(second) | change)}\n")
    with pytest.raises(UserError, match=f"line 2: .*{says}"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("line", "says"), [("{", "not JSON"), ("[]", "no JSON object"), ("{}", "schema None"), ("[" * 10**5, "not JSON")]
)
def test_what_is_no_point_is_refused(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "a.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=says):
        read(tmp_path)


@pytest.mark.parametrize(("values", "says"), [([1.0, "abc"], "a text among numbers"), (["abc", 1.0], "a number among")])
def test_a_series_has_one_kind_of_value(tmp_path: Path, nights: Nights, values: list[float | str], says: str) -> None:
    for point in nights(values):
        add([point], tmp_path)
    with pytest.raises(UserError, match=f"line 2: value = .* is {says}"):
        read(tmp_path)


def test_what_could_not_be_read_back_is_not_added(tmp_path: Path, nights: Nights) -> None:
    add(nights([1.0]), tmp_path)
    with pytest.raises(UserError, match=r"^jpeg 50, payload_bytes: threads = 'other' should be .*; nothing was added"):
        add([*nights([1.0, 2.0]), *nights([3.0], threads="other")], tmp_path)
    assert len(read(tmp_path)) == 1


def test_points_that_are_there_with_another_value_are_counted(tmp_path: Path, nights: Nights) -> None:
    assert differing(nights([1.0]), tmp_path) == 0
    add(nights([1.0, 2.0]), tmp_path)
    assert differing(nights([1.0, 2.0, 3.0]), tmp_path) == 0
    assert differing(nights([1.5, 2.0, 3.0]), tmp_path) == 1


def test_a_folder_without_history_says_how_to_begin_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lic-bench history add RUN"):
        read(tmp_path / "none")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, nights: Nights) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --into"):
        add(nights([1.0]), tmp_path / "file" / "history")
