"""Batches for Codec-Compare hold what its loader asks for."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from lic_bench.report.exchange.codec_compare import batches
from lic_bench.report.exchange.exporting import export
from lic_bench.store.records import Record
from lic_bench.store.run_folder import Run, Store

MakeRun = Callable[..., Run]


def test_every_batch_is_as_its_loader_wants_it(make_run: MakeRun, tmp_path: Path) -> None:
    """As many values as descriptions, constants as texts, names that it knows; each batch in a list beside it."""
    export(make_run(tmp_path / "run", {"jpeg": 1.0, "a:b/c": 0.9}, images=2).folder, "codec-compare", tmp_path / "out")
    names = [name for [name] in json.loads((tmp_path / "out/kodak/batches.json").read_text())]
    assert names == ["jpeg.json", "a-b-c.json"]
    for name in names:
        batch = json.loads((tmp_path / "out/kodak" / name).read_text())
        for kind in ("constant", "field"):
            assert all(len(item) == 1 for item in batch[f"{kind}_descriptions"])
        assert len(batch["constant_values"]) == len(batch["constant_descriptions"])
        assert all(isinstance(value, str) for value in batch["constant_values"])
        fields = [key for item in batch["field_descriptions"] for key in item]
        assert fields == [
            *("original_name", "width", "height", "quality", "encoded_size"),
            *("psnr", "msssim", "encoding_time", "decoding_time"),
        ]
        assert len(batch["field_values"]) == 8
        assert all(len(row) == len(fields) for row in batch["field_values"])


def test_a_row_is_a_record(make_run: MakeRun, tmp_path: Path) -> None:
    texts, left_out = batches(make_run(tmp_path / "run", {"jpeg": 1.0}, images=1))
    assert left_out == []
    row = json.loads(texts["kodak/jpeg.json"])["field_values"][0]
    size = round(0.1 * 768 * 512 / 8) + 16
    expected = ["im00.png", 768, 512, 1, size, 28.0, -10 * math.log10(1 - 0.92), 0.01, 0.02]
    assert row[0] == expected[0]
    assert row[1:] == pytest.approx(expected[1:])


def test_failed_records_are_left_out_and_said(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"jpeg": 1.0}, images=2, failing=[("jpeg", 2, 0)])
    texts, left_out = batches(run)
    assert len(json.loads(texts["kodak/jpeg.json"])["field_values"]) == 7
    assert left_out == ["1 of 8 records left out: failed, random weights, or no quality"]


def test_what_is_infinite_or_missing(tmp_path: Path) -> None:
    """An exact image has 99 dB, as JSON has no infinity; a field that one record lacks is in none."""
    store = Store(tmp_path / "run", {"config": {}, "environment": {"time": "2026-01-02T03:04:05+00:00"}})
    lossy = Record(codec="x", quality=1, dataset="d", image="a", width=8, height=8, status="ok", payload_bytes=9,
                   header_bytes=0, mse_8bit=4.0, psnr_db=42.0, ms_ssim=None, encode_s=[1.0])  # fmt: skip
    store.records.append(lossy)
    store.records.append(replace(lossy, image="b", mse_8bit=0.0, psnr_db=None, ms_ssim=1.0, encode_s=[]))
    store.close()
    batch = json.loads(batches(Run(tmp_path / "run"))[0]["d/x.json"])
    names = [name for item in batch["field_descriptions"] for name in item]
    assert names == ["original_name", "width", "height", "quality", "encoded_size", "psnr"]
    assert [row[-1] for row in batch["field_values"]] == [42.0, 99.0]
    constants = [name for item in batch["constant_descriptions"] for name in item]
    assert datetime.fromisoformat(dict(zip(constants, batch["constant_values"], strict=True))["time"]).year == 2026
