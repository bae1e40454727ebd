import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.store.records import Complexity, Record, from_json, to_json

numbers = st.floats(0, 1e9)
seconds = st.floats(1e-9, 1e9)


@given(
    st.builds(
        Record,
        codec=st.text(min_size=1),
        quality=st.integers(),
        dataset=st.text(),
        image=st.text(),
        width=st.integers(1),
        height=st.integers(1),
        status=st.sampled_from(["ok", "failed"]),
        error=st.none() | st.text(),
        mse_8bit=st.none() | numbers,
        encode_s=st.lists(seconds),
        phases_s=st.dictionaries(st.text(), st.lists(numbers)),
    )
)
def test_a_record_survives_json(record: Record) -> None:
    assert from_json(Record, json.loads(json.dumps(to_json(record))), "here") == record


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"encode_s": 0.1}, "encode_s is no list"),
        ({"encode_s": [0.1, 0.0]}, "encode_s has a value that is no time in seconds"),
        ({"decode_s": [0.1, None]}, "decode_s has a value that is no time in seconds"),
        ({"canary_s": [float("inf")]}, "canary_s has a value that is no time in seconds"),
        ({"encode_s": [0.1, 0.2], "canary_s": [0.1]}, "encode_s has 2 values, canary_s 1"),
        ({"decode_s": [0.1], "starts": [0, 0]}, "decode_s has 1 values, starts 2"),
    ],
)
def test_samples_that_cannot_be_are_one_line(wrong: dict[str, object], words: str) -> None:
    record = Record(codec="a", quality=1, dataset="d", image="i", width=1, height=1, status="ok")
    with pytest.raises(UserError, match=f"here: {words}; remove that line or measure again"):
        from_json(Record, to_json(record) | wrong, "here")


def test_fields_that_other_tools_rely_on() -> None:
    settled = """schema codec quality dataset image width height status error weights device payload_bytes header_bytes
    bpp_estimated mse_8bit psnr_db ms_ssim encode_s decode_s phases_s peak_memory_bytes protocol"""
    record = Record(codec="a", quality=1, dataset="d", image="i", width=1, height=1, status="ok")
    assert set(settled.split()) <= set(to_json(record))
    complexity = "codec quality width height counter path macs parameters parameters_inference uncounted_ops"
    row = Complexity(codec="a", quality=1, width=1, height=1, counter="thop", path="forward", macs=1, parameters=1)
    assert set(complexity.split()) <= set(to_json(row))


def test_a_newer_schema_says_what_to_do() -> None:
    with pytest.raises(UserError, match="here: schema 6, this version reads 5: update lic-bench"):
        from_json(Record, {"schema": 6}, "here")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ("out of memory: CUDA out of memory. Tried to allocate 2.00 GiB", "out_of_memory"),
        ("out of memory, or killed by hand: its process was ended by SIGKILL", "out_of_memory"),
        ("not tried: out of memory at a smaller size", "not_tried"),
        ("not tried: 2 images before ended this codec's process", "crash"),
        ("stopped: no answer within 3600 s (--timeout)", "timeout"),
        ("its process was ended by SIGSEGV", "crash"),
        ("decoder out of sync: the decoded image differs", "out_of_sync"),
        ("the codec gives NaN or infinite values", "error"),
    ],
)
def test_a_failure_of_an_older_schema_is_read_from_its_error(error: str, failure: str) -> None:
    record = Record(codec="a", quality=1, dataset="d", image="i", width=1, height=1, status="failed", error=error)
    older = to_json(record) | {"schema": 4}
    del older["failure"]
    assert from_json(Record, older, "here").failure == failure
