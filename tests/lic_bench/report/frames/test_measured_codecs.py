"""A run of times alone joins the row of the run whose bytes it timed, and no other."""

import copy
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from lic_bench.report.frames.measured_codecs import MeasuredCodec, measured_codecs
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.report.tables.table1 import table1
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


def with_records(run: Run, name: str, **columns: object) -> Run:
    """The run under another name, these columns the same in all its records."""
    changed = copy.copy(run)
    values = {column: [value] * len(run.records) for column, value in columns.items()}
    changed.name, changed.records = name, run.records.assign(**values)
    return changed


@pytest.fixture
def rates(make_run: MakeRun, tmp_path: Path) -> Run:
    run = make_run(tmp_path / "both", {"jpeg": 1.0, "webp": 0.9}, images=2, dataset="sample")
    return with_records(run, "rates", bitstream_sha256="ab", encode_s=[], decode_s=[], peak_memory_bytes={})


@pytest.fixture
def times(make_run: MakeRun, tmp_path: Path) -> Run:
    """Of one codec, quality and image."""
    run = make_run(tmp_path / "times", {"jpeg": 1.0}, images=2, dataset="sample")
    run = with_records(run, "times", bitstream_sha256="ab", psnr_db=None, ms_ssim=None)
    run.records = run.records[(run.records.quality == 2) & (run.records.image == "im01.png")]
    return run


def rows(*runs: Run) -> dict[tuple[str, str], MeasuredCodec]:
    """(run, codec) -> row."""
    found = measured_codecs(gather_report_data(runs, "none", "jpeg", "pchip"))
    assert len({(row.run.name, row.codec) for row in found}) == len(found)
    return {(row.run.name, row.codec): row for row in found}


def test_rates_and_times_of_the_same_bytes_are_one_row(rates: Run, times: Run) -> None:
    for runs in ((rates, times), (times, rates)):
        found = rows(*runs)
        assert set(found) == {("rates", "jpeg"), ("rates", "webp")}
        joined, alone = found["rates", "jpeg"], found["rates", "webp"]
        assert (joined.enc_s, joined.dec_s, joined.dataset) == (pytest.approx(0.02), pytest.approx(0.04), "sample")
        assert (joined.n_images, joined.n_qualities, joined.timed_in) == (1, 1, times)
        assert (alone.enc_s, alone.timed_in) == (None, None)


def test_table_1_says_where_the_times_are_from(rates: Run, times: Run) -> None:
    table = table1(gather_report_data([rates, times], "none", "jpeg", "pchip"))
    joined, alone = (row.cells for row in table.rows)
    assert [joined[key].text for key in ("source", "enc_s", "dec_s", "mem_gb")] == ["rates", "0.020", "0.040", "0.400"]
    assert "times and memory in run times on sample, 1 image, 1 quality" in joined["source"].notes[0]
    assert [alone[key].text for key in ("enc_s", "mem_gb", "bd_sample")] == ["-", "-", "-10.00"]


@pytest.mark.parametrize(
    "other",
    [{"bitstream_sha256": "cd"}, {"bitstream_sha256": None}, {"quality": 9}, {"device": "cuda:0"}, {"psnr_db": 30.0}],
)
def test_times_of_something_else_are_a_row_of_their_own(rates: Run, times: Run, other: dict[str, object]) -> None:
    found = rows(with_records(rates, "rates"), with_records(times, "times", **other))
    assert set(found) == {("rates", "jpeg"), ("rates", "webp"), ("times", "jpeg")}
    assert found["rates", "jpeg"].enc_s is None


def test_times_of_another_machine_are_a_row_of_their_own(rates: Run, times: Run) -> None:
    times.info["environment"]["cpu"] = "Other CPU"
    assert ("times", "jpeg") in rows(rates, times)


def test_memory_that_was_measured_stays(rates: Run, times: Run) -> None:
    rates = with_records(rates, "rates", peak_memory_bytes={"encode_rss_growth": 1})
    assert ("times", "jpeg") in rows(rates, times)
    assert ("times", "jpeg") in rows(with_records(rates, "memory", psnr_db=None), times)


def test_a_failure_stays_in_sight(rates: Run, times: Run) -> None:
    failed = times.records.assign(image="im00.png", status="failed", failure="crash", bitstream_sha256=None)
    times.records = pd.concat([times.records, failed], ignore_index=True)
    assert ("times", "jpeg") in rows(rates, times)


def test_two_times_for_one_row_stay_apart(rates: Run, times: Run) -> None:
    found = rows(rates, times, with_records(times, "again"))
    assert {("times", "jpeg"), ("again", "jpeg")} < set(found)
    assert found["rates", "jpeg"].enc_s is None


def test_one_time_for_two_rows_stays_apart(rates: Run, times: Run) -> None:
    assert ("times", "jpeg") in rows(rates, with_records(rates, "other"), times)
