"""The list of accepted changes: what it covers, and every error of its file."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from lic_bench.compare.accepted import Accepted, covering_entry, extent_to_cover, read_accepted, unmatched_entries
from lic_bench.errors import UserError
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run

WHOLE = """
[[accepted]]
codec = "lalic"
quality = 4
metric = "encode_s"
change = 0.08
who = "A. Author"
why = "exact softmax"
date = 2026-11-23
commit = "0123456"
"""
LEAST = """
[[accepted]]
codec = "jpeg"
metric = "payload_bytes"
change = 0
who = "A. Author"
why = "another marker"
date = 2026-11-24
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "accepted.toml"
    path.write_text(text)
    return path


def entry(**given: object) -> Accepted:
    fields = {"codec": "jpeg", "metric": "payload_bytes", "who": "A. Author", "why": "a marker", "change": 0.08}
    return Accepted(**{"date": date(2026, 11, 23), **fields, **given})


def test_entries_are_read_in_order(tmp_path: Path) -> None:
    first, second = read_accepted(written(tmp_path, WHOLE + LEAST))
    assert first == Accepted(
        codec="lalic", quality=4, metric="encode_s", change=0.08, who="A. Author", why="exact softmax",
        date=date(2026, 11, 23), commit="0123456",
    )  # fmt: skip
    assert (second.quality, second.commit, second.change) == (None, None, 0)
    assert str(first) == "accepted by A. Author on 2026-11-23: exact softmax"


def test_no_file_and_an_empty_one_accept_nothing(tmp_path: Path) -> None:
    assert read_accepted(tmp_path / "none.toml") == []
    assert read_accepted(written(tmp_path, "")) == []


def test_any_change_can_be_accepted(tmp_path: Path) -> None:
    (found,) = read_accepted(written(tmp_path, LEAST.replace("change = 0", "change = inf")))
    assert covering_entry([found], "jpeg", 50, "payload_bytes", 1e9) is found


@pytest.mark.parametrize(
    ("change", "covered"),
    [(0.08, True), (21_600 / 20_000 - 1, True), (-0.08, True), (0.0801, False), (float("inf"), False), (None, True)],
)
def test_a_change_is_covered_up_to_what_was_accepted(change: float | None, covered: bool) -> None:
    accepted = entry()
    assert covering_entry([accepted], "jpeg", 50, "payload_bytes", change) is (accepted if covered else None)


@pytest.mark.parametrize(
    ("change", "numbers", "expected"),
    [(None, True, float("inf")), (0.05, True, 0.05), (0.0, True, 0.0), (None, False, None)],
)
def test_a_growth_from_nothing_is_more_than_any_number(
    change: float | None, numbers: bool, expected: float | None
) -> None:
    found = extent_to_cover(change, numbers=numbers)
    assert found == expected
    covered = covering_entry([entry(change=0.08)], "jpeg", 50, "payload_bytes", found)
    assert (covered is None) == (found == float("inf"))
    assert covering_entry([entry(change=float("inf"))], "jpeg", 50, "payload_bytes", found)


def test_only_the_codec_metric_and_quality_that_it_names() -> None:
    assert covering_entry([entry()], "webp", 50, "payload_bytes", 0.01) is None
    assert covering_entry([entry()], "jpeg", 50, "mse_8bit", 0.01) is None
    assert covering_entry([entry(quality=75)], "jpeg", 50, "payload_bytes", 0.01) is None
    of_all, of_one = entry(change=0.01), entry(quality=50)
    assert covering_entry([of_all, of_one], "jpeg", 50, "payload_bytes", 0.01) is of_all
    assert covering_entry([of_all, of_one], "jpeg", 50, "payload_bytes", 0.05) is of_one
    assert covering_entry([], "jpeg", 50, "payload_bytes", 0.01) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[accepted", "{path} cannot be read as TOML ("),
        ("[[acepted]]", "Unknown table in {path} 'acepted'. Did you mean 'accepted'? Known: accepted."),
        ("accepted = 3", "{path}: accepted is 3; write a table [[accepted]] per change."),
        ("[accepted]", "{path}: accepted is {{}}; write a table [[accepted]] per change."),
        ("accepted = [3]", "{path}, [[accepted]] number 1 is 3; write a table."),
        (
            LEAST + WHOLE.replace("why", "wy"),
            "Unknown key in {path}, [[accepted]] number 2 'wy'. Did you mean 'why'? Known: ",
        ),
        (
            WHOLE.replace("encode_s", "encode"),
            "Unknown metric in {path}, [[accepted]] number 1 'encode'. Did you mean 'encode_s'? Known: ",
        ),
        (
            LEAST.replace("change = 0", 'change = "8 %"'),
            "{path}, [[accepted]] number 1: change = '8 %' is no int or float.",
        ),
        (
            LEAST.replace("change = 0", "change = true"),
            "{path}, [[accepted]] number 1: change = True is no int or float.",
        ),
        (
            LEAST.replace("change = 0", "change = -0.1"),
            "{path}, [[accepted]] number 1: change = -0.1; give a number from 0 on, 0.08 for 8 %.",
        ),
        (LEAST.replace("change = 0", "change = nan"), "{path}, [[accepted]] number 1: change = nan; give a number "),
        (LEAST.replace("2026-11-24", '"yesterday"'), "{path}, [[accepted]] number 1: date = 'yesterday' is no date."),
        (LEAST.replace("another marker", " "), "{path}, [[accepted]] number 1: why is empty."),
        (
            '[[accepted]]\ncodec = "jpeg"\nchange = 0.1\nmetric = "macs"',
            "{path}, [[accepted]] number 1 lacks who, why, date; who accepted which change of what, and why?",
        ),
        (
            LEAST.replace("2026-11-24", "2026-11-24T10:00:00"),
            "{path}, [[accepted]] number 1: date = datetime.datetime(",
        ),
        (
            WHOLE.replace("0123456", "012345"),
            "{path}, [[accepted]] number 1: commit = '012345'; give 7 to 40 hexadecimal digits, as `git log ",
        ),
        (
            WHOLE.replace("0123456", "v1.0"),
            "{path}, [[accepted]] number 1: commit = 'v1.0'; give 7 to 40 hexadecimal digits, "
            "as `git log -1 --format=%h v1.0` prints them.",
        ),
        (WHOLE.replace("quality = 4", "quality = 4.5"), "{path}, [[accepted]] number 1: quality = 4.5 is no int."),
    ],
)
def test_errors(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_accepted(written(tmp_path, text))
    assert str(error.value).startswith(message.format(path=tmp_path / "accepted.toml"))
    assert "\n" not in str(error.value)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UserError, match=r"folder.toml cannot be read as TOML \(Is a directory\)"):
        read_accepted(tmp_path / "folder.toml")


@pytest.mark.parametrize(
    ("codec", "quality", "said"),
    [
        ("jpeg", None, ""),
        ("jpeg", 50, ""),
        ("elic", 4, ""),  # of which operations alone were counted
        ("of-a-plugin", 1, ""),
        ("webp", 75, ""),  # a codec, of other runs
        ("vtm-18.0", 32, ""),
        ("my_models:small", 1, ""),
        ("jpgg", None, "(jpgg payload_bytes): no such codec here. Did you mean 'jpeg'?"),
        ("of-a-plugn", None, "(of-a-plugn payload_bytes): no such codec here. Did you mean 'of-a-plugin'?"),
        ("mlic++", 1, "(mlic++ 1 payload_bytes): no such codec here. Did you mean 'mlic-plus-plus'?"),
        ("zzzzzz", None, "(zzzzzz payload_bytes): no such codec here."),
        ("jpeg", 51, "(jpeg 51 payload_bytes): no such quality here, only 30, 50."),
    ],
)
def test_what_nothing_fits_is_said(
    stored: Callable[..., Run],
    record: Callable[..., Record],
    complexity: Callable[..., Complexity],
    codec: str,
    quality: int | None,
    said: str,
) -> None:
    base = stored([record(quality=30), record(codec="of-a-plugin", quality=1)], [complexity()])
    new = stored([record()], name="new")
    given = {"metric": "payload_bytes", "change": 0.1, "who": "A", "why": "meant", "date": date(2026, 11, 23)}
    entries = [Accepted(codec="jpeg", **given), Accepted(codec=codec, quality=quality, **given)]
    notes = unmatched_entries(entries, base, new, Path("accepted.toml"))
    assert notes == ([f"accepted.toml, number 2 {said}"] if said else [])
