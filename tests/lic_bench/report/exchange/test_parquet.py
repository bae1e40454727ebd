"""A run as Parquet: every record with its types, and run.json."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from lic_bench.report.exchange.parquet import records_parquet
from lic_bench.store.run_folder import Run


def test_all_records_come_back_with_their_samples(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=2, failing=[("jpeg", 2, 0)])
    frame = pd.read_parquet(io.BytesIO(records_parquet(run)))
    assert len(frame) == len(run.records) == 8
    assert list(frame.status).count("failed") == 1
    assert [list(samples) for samples in frame.encode_s] == list(run.records.encode_s)
    assert json.loads(frame.peak_memory_bytes[0]) == run.records.peak_memory_bytes[0]
    assert frame.payload_bytes.dtype == "Int64"  # whole, though the failed record has none
    assert frame.payload_bytes[frame.status == "failed"].isna().all()
    assert frame.psnr_db.dropna().tolist() == run.records.psnr_db.dropna().tolist()
    assert json.loads(frame.attrs["run_json"]) == run.info
