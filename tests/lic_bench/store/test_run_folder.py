import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lic_bench.errors import UserError
from lic_bench.store.records import Record
from lic_bench.store.run_folder import UNKNOWN_COMMIT, Run, Store, set_aside

RUN = {"config": {"codecs": ["fake"]}, "fingerprint": {"cpu": "x"}, "environment": {}}


def record(image: str = "a", **changes: object) -> Record:
    values = {"codec": "fake", "quality": 1, "dataset": "d", "image": image, "width": 2, "height": 1, "status": "ok"}
    return Record(**(values | changes))


def test_a_record_survives_the_store(tmp_path: Path) -> None:
    stored = record(encode_s=[0.1, 0.2], peak_memory_bytes={"encode_rss": 3}, mse_8bit=1 / 3)
    store = Store(tmp_path / "run", RUN)
    store.records.append(stored)
    store.close()
    frame = Run(tmp_path / "run").records
    assert len(frame) == 1
    assert frame.iloc[0]["mse_8bit"] == 1 / 3
    assert frame.iloc[0]["encode_s"] == [0.1, 0.2]


def test_a_folder_whose_name_is_not_utf8_gives_a_run_a_name_that_files_can_hold(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"out\xe9")
    Store(folder, RUN).close()
    assert Run(folder).name == "out\\udce9"


@pytest.mark.parametrize("kept", range(0, 60, 7))
def test_a_torn_last_line_is_cut_and_the_rest_kept(tmp_path: Path, kept: int) -> None:
    store = Store(tmp_path, RUN)
    store.records.append(record("a"))
    store.records.append(record("b"))
    store.close()
    path = tmp_path / "records.jsonl"
    first, second, _ = path.read_bytes().split(b"\n")
    path.write_bytes(first + b"\n" + second[:kept])
    store = Store(tmp_path, RUN)
    assert store.records.rows.keys() == {record("a").key}
    store.records.append(record("b"))
    store.close()
    assert path.read_bytes() == first + b"\n" + second + b"\n"


def test_a_process_killed_while_writing_loses_nothing_it_had_stored(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_run_folder import RUN, record
from lic_bench.store.run_folder import Store
store = Store(Path({str(tmp_path)!r}), RUN)
for n in range(5):
    store.records.append(record(str(n)))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store(tmp_path, RUN)
    assert sorted(key[3] for key in store.records.rows) == list("01234")
    store.close()


def test_a_run_grows_by_a_codec(tmp_path: Path) -> None:
    Store(tmp_path, RUN).close()
    Store(tmp_path, {**RUN, "config": {"codecs": ["jpeg"]}}).close()
    assert Run(tmp_path).info["config"]["codecs"] == ["fake", "jpeg"]
    before = (tmp_path / "run.json").stat().st_mtime_ns
    Store(tmp_path, RUN).close()
    assert (tmp_path / "run.json").stat().st_mtime_ns == before


def test_another_machine_is_refused_and_named(tmp_path: Path) -> None:
    Store(tmp_path, RUN).close()
    with pytest.raises(UserError, match=r"could not be compared with these: cpu was 'x', now 'y'; .*--fresh"):
        Store(tmp_path, {**RUN, "fingerprint": {"cpu": "y"}})


def test_two_runs_cannot_write_to_one_folder(tmp_path: Path) -> None:
    store = Store(tmp_path, RUN)
    with pytest.raises(UserError, match="in use"):
        Store(tmp_path, RUN)
    with pytest.raises(UserError, match="in use"):
        set_aside(tmp_path)
    store.close()
    Store(tmp_path, RUN).close()


def test_fresh_sets_the_old_run_aside_whole(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    store = Store(folder, RUN)
    store.records.append(record())
    store.close()
    aside = set_aside(folder)
    assert not folder.exists()
    assert len(Run(aside).records) == 1
    assert set_aside(folder) is None


def test_a_folder_with_other_files_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match=r"thesis\.tex"):
        Store(tmp_path, RUN)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_changed_images_are_another_run(tmp_path: Path) -> None:
    Store(tmp_path, RUN | {"images": {"d/a": "11", "d/b": "22"}}).close()
    with pytest.raises(UserError, match=r"image d/b was '22', now '33'; .*--fresh"):
        Store(tmp_path, RUN | {"images": {"d/a": "11", "d/b": "33"}})


def test_a_kill_while_run_json_is_written_leaves_a_usable_folder(tmp_path: Path) -> None:
    (tmp_path / "run.json.0123abcd.tmp").write_text('{"conf')
    (tmp_path / ".lock").touch()
    Store(tmp_path, RUN).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "run.json"]


def test_a_full_disk_at_run_json_leaves_nothing(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(UserError, match=r"Cannot write .*run\.json"):
            Store(tmp_path / "run", RUN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    Store(tmp_path / "run", RUN).close()


def test_the_present_folder_can_be_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    Store(folder, RUN).close()
    monkeypatch.chdir(folder)
    aside = set_aside(Path())
    assert aside is not None
    assert (aside / "run.json").exists()


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path, RUN)
    store.records.append(record("a"))
    path = tmp_path / "records.jsonl"
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))  # the write stops in mid-line
    try:
        with pytest.raises(UserError, match=r"Cannot write.*1 records there are safe"):
            store.records.append(record("b"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    store.records.append(record("b"))
    store.close()
    assert len(Run(tmp_path).records) == 2


def test_a_torn_line_that_cannot_be_cut_now_is_cut_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, RUN)
    store.records.append(record("a"))
    size = (tmp_path / "records.jsonl").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
    with monkeypatch.context() as patched:
        patched.setattr("os.truncate", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        try:
            with pytest.raises(UserError, match="Cannot write"):
                store.records.append(record("b"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    store.close()
    assert (tmp_path / "records.jsonl").stat().st_size > size
    store = Store(tmp_path, RUN)
    assert store.records.rows.keys() == {record("a").key}
    store.close()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that not even root may write to")
def test_an_unwritable_folder_is_one_line() -> None:
    with pytest.raises(UserError, match=r"Cannot write to /proc/run: .*; choose another --out\."):
        Store(Path("/proc/run"), RUN)


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(UserError, match="Cannot write to"):
        Store(tmp_path / "run", RUN)


def test_the_last_row_of_a_key_counts(tmp_path: Path) -> None:
    store = Store(tmp_path, RUN)
    store.records.append(record(status="failed", error="no"))
    assert store.records.failed.keys() == {record().key}
    store.records.append(record())
    assert store.records.failed == {}
    store.close()
    frame = Run(tmp_path).records
    assert list(frame.status) == ["ok"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "line 1: not JSON"),
        ("null", "line 1: no JSON object"),
        (json.dumps({"schema": 99}), "update lic-bench"),
        (json.dumps({"schema": 0}), "--fresh"),
        (json.dumps({"schema": 3, "codec": "x"}), "line 1: field 'quality' is missing"),
    ],
)
def test_a_foreign_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    Store(tmp_path, RUN).close()
    (tmp_path / "records.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=message):
        Run(tmp_path)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run: it has no run\.json"):
        Run(tmp_path)


def test_nan_is_never_stored(tmp_path: Path) -> None:
    store = Store(tmp_path, RUN)
    assert store.records.append(record(mse_8bit=float("nan"))).mse_8bit is None
    store.close()
    assert list(Run(tmp_path).records.status) == ["failed"]


def at(commit: str | None) -> dict[str, Any]:
    return RUN | {"environment": {"git_commit": commit}}


@pytest.mark.parametrize(("now", "named"), [("bbb", "bbb"), ("aaa-dirty", "aaa-dirty"), (None, "unknown")])
def test_a_run_of_another_commit_is_refused_and_left_as_it_was(tmp_path: Path, now: str | None, named: str) -> None:
    Store(tmp_path, at("aaa")).close()
    with pytest.raises(UserError, match=f"a run of lic-bench commit aaa, this is {named};.*--fresh.*--allow commit"):
        Store(tmp_path, at(now))
    Store(tmp_path, at("aaa")).close()


def test_a_run_that_has_no_commit_is_gone_on_with_and_new_records_note_theirs(tmp_path: Path) -> None:
    for commit, image in ((None, "1"), ("aaa", "2"), (None, "3")):
        store = Store(tmp_path, at(commit))
        store.records.append(record(image))
        store.close()
    assert Run(tmp_path).commits == [None, "aaa"]
    assert [list(part.records.image) for part in Run(tmp_path).by_commit()] == [["1", "3"], ["2"]]


def test_what_another_commit_measured_says_so_where_that_is_allowed(tmp_path: Path) -> None:
    for commit, image in (("aaa", "1"), ("bbb", "2"), (None, "3"), ("aaa", "4")):
        store = Store(tmp_path, at(commit), allow=["commit"])
        store.records.append(record(image))
        store.close()
    run = Run(tmp_path)
    assert dict(zip(run.records.image, run.records.commit, strict=True)) == {
        "1": "aaa", "2": "bbb", "3": UNKNOWN_COMMIT, "4": "aaa"
    }  # fmt: skip
    assert run.commits == ["aaa", "bbb", UNKNOWN_COMMIT]
    parts = run.by_commit()
    assert [list(part.records.image) for part in parts] == [["1", "4"], ["2"], ["3"]]
    assert [part.info["environment"]["git_commit"] for part in parts] == ["aaa", "bbb", None]


def test_a_record_measured_again_at_another_commit_is_that_ones(tmp_path: Path) -> None:
    for commit, status in (("aaa", "failed"), ("bbb", "ok")):
        store = Store(tmp_path, at(commit), allow=["commit"])
        store.records.append(record(status=status))
        store.close()
    (part,) = Run(tmp_path).by_commit()
    assert part.info["environment"]["git_commit"] == "bbb"
