"""Rows of JSON are read back as they were written, and what cannot be one is a line that says why."""

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.store.record_log import RecordLog, each_row, parse_row, read_rows
from lic_bench.store.records import IDENTITY, LARGEST, Complexity, Record

ROOT = Path(__file__).parents[3]
RECORD = Record(codec="a", quality=1, dataset="d", image="i", width=1, height=1, status="ok")
COUNT = Complexity(codec="a", quality=1, width=1, height=1, counter="thop", path="forward", macs=1, parameters=1)
numbers = st.floats(0, 1e9)
seconds = st.floats(1e-9, 1e9)


@given(
    st.builds(
        Record,
        codec=st.text(min_size=1),
        quality=st.integers(-LARGEST, LARGEST),
        dataset=st.text(),
        image=st.text(),
        width=st.integers(1, LARGEST),
        height=st.integers(1, LARGEST),
        status=st.sampled_from(["ok", "failed"]),
        error=st.none() | st.text(),
        mse_8bit=st.none() | numbers,
        encode_s=st.lists(seconds),
        phases_s=st.dictionaries(st.text(), st.lists(numbers)),
    )
)
def test_a_record_survives_json(record: Record) -> None:
    assert parse_row(Record, json.dumps(asdict(record)), "here") == record


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"encode_s": 0.1}, "encode_s = 0.1 should be a valid array"),
        ({"encode_s": [0.1, 0.0]}, "encode_s.1 = 0.0 should be greater than 0"),
        ({"decode_s": [0.1, None]}, "decode_s.1 = None should be a valid number"),
        ({"canary_s": [math.inf]}, "canary_s.0 = inf should be a finite number"),
        ({"canary_s": [1e300]}, "canary_s.0 = 1e[+]300 should be less than or equal to 1000000000000000000"),
        ({"payload_bytes": 10**400}, "payload_bytes = 10000.*[.][.][.]0* should be less than or equal to 10*"),
        ({"payload_bytes": True}, "payload_bytes = True should be a valid integer"),
        ({"payload_bytes": 1.0}, "payload_bytes = 1.0 should be a valid integer"),
        ({"mse_8bit": math.nan}, "mse_8bit = nan should be a finite number"),
        ({"mse_8bit": "1"}, "mse_8bit = '1' should be a valid number"),
        ({"width": 0}, "width = 0 should be greater than 0"),
        ({"status": "fine"}, "status = 'fine' should be 'ok' or 'failed'"),
        ({"phases_s": {"encode/g_a": [None]}}, "phases_s.encode/g_a.0 = None should be a valid number"),
        ({"colour": 3}, "field 'colour' is unknown"),
        ({"conditions": {"colour": 3}}, "field 'conditions.colour' is unknown"),
        ({"conditions": {"seconds": "1"}}, "conditions.seconds = '1' should be a valid number"),
        ({"encode_s": [0.1, 0.2], "canary_s": [0.1]}, "encode_s has 2 values, canary_s 1"),
        ({"decode_s": [0.1], "starts": [0, 0]}, "decode_s has 1 values, starts 2"),
    ],
)
def test_a_wrong_field_is_one_line(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=f"^here: {words}; remove that line or measure again with --fresh.$"):
        parse_row(Record, json.dumps(asdict(RECORD) | wrong), "here")


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_an_image_that_cannot_be_read_is_a_failed_record_and_no_other(status: Any) -> None:
    line = json.dumps(asdict(replace(RECORD, width=0, height=0, status=status)))
    if status == "failed":
        assert parse_row(Record, line, "here").width == 0
    else:
        with pytest.raises(UserError, match="here: width = 0 should be greater than 0"):
            parse_row(Record, line, "here")


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.floats() | st.text())


@st.composite
def rows(draw: st.DrawFn, row: Record | Complexity, kept: Sequence[str]) -> Record | Complexity:
    """The row with any values in some of its fields; kept: fields that a run knows before it measures."""
    names = [field.name for field in fields(row) if field.name not in (*kept, "schema", "commit")]
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    values = {name: draw(anything | st.dictionaries(st.text(), anything)) for name in chosen}
    return replace(row, **values)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows(RECORD, IDENTITY) | rows(COUNT, ("codec", "quality", "width", "height", "counter", "path")))
def test_whatever_a_codec_gives_what_is_stored_is_read_back(tmp_path_factory: Any, row: Record | Complexity) -> None:
    path = tmp_path_factory.mktemp("log") / "rows.jsonl"
    stored = RecordLog(path, type(row)).append(row)
    assert read_rows(path, type(row)) == [stored]
    assert stored.key == row.key
    assert stored == row or (stored.status == "failed" and "the record cannot be stored: " in (stored.error or ""))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"psnr_db": math.inf}, "psnr_db = inf should be a finite number"),
        ({"encode_s": [0.1, math.nan]}, "encode_s.1 = nan should be a finite number"),
        ({"payload_bytes": np.int64(3)}, "Object of type int64 is not JSON serializable"),
        ({"conditions": {"load_1m": [0.5]}}, "conditions.load_1m = .0.5. should have at least 2 items"),
        ({"phases_s": {"encode/total": [math.inf]}}, "phases_s.encode/total.0 = inf should be a finite number"),
    ],
)
def test_what_could_not_be_read_back_is_a_failed_record(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    stored = RecordLog(tmp_path / "rows", Record).append(replace(RECORD, **wrong))
    assert (stored.status, stored.failure) == ("failed", "error")
    assert re.search(words, stored.error or "")
    assert read_rows(tmp_path / "rows", Record) == [stored]


def test_a_file_name_that_is_no_utf_8_can_be_written_down(tmp_path: Path) -> None:
    RecordLog(tmp_path / "rows", Record).append(replace(RECORD, image=os.fsdecode(b"a\xff.png")))
    (row,) = each_row(tmp_path / "rows", Record, printable=True)
    assert row.image == r"a\udcff.png"


def test_a_file_name_that_is_no_utf_8_is_read_back() -> None:
    record = replace(RECORD, image=os.fsdecode(b"a\xff.png"))
    assert parse_row(Record, json.dumps(asdict(record)), "here") == record


def test_a_missing_field_is_named() -> None:
    values = asdict(COUNT)
    del values["macs"]
    with pytest.raises(UserError, match="here: field 'macs' is missing"):
        parse_row(Complexity, json.dumps(values), "here")


@pytest.mark.parametrize("measured", sorted((ROOT / "results" / "measured").glob("*/records.jsonl")), ids=str)
def test_every_stored_number_is_read_back_to_the_last_bit(measured: Path) -> None:
    rows: list[Any] = read_rows(measured, Record)
    for row, line in zip(rows, measured.read_text().splitlines(), strict=True):
        values = json.loads(line)
        assert {name: value for name, value in asdict(row).items() if name in values} == values


def test_appended_rows_note_the_commit_of_the_log(tmp_path: Path) -> None:
    RecordLog(tmp_path / "own", Record).append(RECORD)
    RecordLog(tmp_path / "other", Complexity, commit="bbbbbbbbbbbb").append(COUNT)
    assert [row.commit for row in read_rows(tmp_path / "own", Record)] == [None]
    assert [row.commit for row in read_rows(tmp_path / "other", Complexity)] == ["bbbbbbbbbbbb"]


def test_a_newer_schema_says_what_to_do() -> None:
    with pytest.raises(UserError, match="here: schema 12, this version reads 11; update lic-bench"):
        parse_row(Record, '{"schema": 12}', "here")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ("out of memory: CUDA out of memory. Tried to allocate 2.00 GiB", "out_of_memory"),
        ("out of memory, or killed by hand: its process was ended by SIGKILL", "out_of_memory"),
        ("not tried: out of memory at a smaller size", "not_tried"),
        ("not tried: 2 images before ended this codec's process", "crash"),
        ("stopped: no answer within 3600 s (--timeout)", "timeout"),
        ("its process was ended by SIGSEGV", "crash"),
        ("EncoderAppStatic was stopped: it took longer than 3600 s.", "timeout"),
        ("decoder out of sync: the decoded image differs", "out_of_sync"),
        ("the codec gives NaN or infinite values", "error"),
    ],
)
def test_a_failure_of_an_older_schema_is_read_from_its_error(error: str, failure: str) -> None:
    record = Record(codec="a", quality=1, dataset="d", image="i", width=1, height=1, status="failed", error=error)
    older = asdict(record) | {"schema": 4}
    del older["failure"]
    assert parse_row(Record, json.dumps(older), "here").failure == failure
