from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lic_bench.report.frames.report_data import ReportData, gather_report_data
from lic_bench.report.tables.table import Table
from lic_bench.report.tables.table1 import table1
from lic_bench.report.tables.throughput_table import throughput_table
from lic_bench.store.records import Throughput
from lic_bench.store.run_folder import Run, Store


def row(batch: int, seconds: float, **changes: Any) -> Throughput:
    fields = {"codec": "elic", "quality": 1, "dataset": "kodak", "width": 768, "height": 512, "status": "ok"}
    times = {"encode_s": [seconds, 9.0, seconds], "decode_s": [2 * seconds], "images": 16, "pictures": 16}
    return Throughput(**(fields | times | {"batch": batch} | changes))


@pytest.fixture
def data(make_run: Callable[..., Run], tmp_path: Path) -> ReportData:
    """elic at three batches: twice as fast at 4, out of memory at 16."""
    folder = tmp_path / "mine"
    store = Store(folder, make_run(folder, {"elic": 1.0, "jpeg": 2.0}).info)
    store.throughput.append(row(4, 2.0, changed=["im3.png"], pictures=12))
    store.throughput.append(row(16, 1.0).as_failed("out of memory", "out_of_memory"))
    store.throughput.append(row(1, 4.0))
    store.close()
    return gather_report_data([Run(folder)], "none", "jpeg", "pchip")


def texts(table: Table, *keys: str) -> list[list[str]]:
    return [[row.cells[key].text for key in keys] for row in table.rows]


def test_images_and_megapixels_per_second_of_each_batch(data: ReportData) -> None:
    table = throughput_table(data)
    rates = ("encode_images_per_s", "encode_mp_per_s", "decode_images_per_s", "decode_mp_per_s")
    assert texts(table, "method", "batch", *rates) == [
        ["ELIC", "1", "4.00", "1.57", "2.00", "0.79"],
        ["ELIC", "4", "8.00", "3.15", "4.00", "1.57"],
        ["ELIC", "16", "-", "-", "-", "-"],
    ]
    assert texts(table, "bytes", "images") == [["as alone", "16"], ["depend on the batch", "16"], ["failed", "16"]]
    assert table.rows[1].cells["bytes"].notes == ("Other bytes than alone: im3.png.",)
    assert table.rows[1].cells["images"].notes == ("12 pictures of this size, taken in turn.",)
    assert table.rows[2].cells["bytes"].notes == ("out of memory",)


def test_table_1_shows_the_best_batch_where_there_is_one(data: ReportData) -> None:
    cells = {row.cells["method"].text: row.cells for row in table1(data).rows}
    assert cells["ELIC"]["encode_images_per_s"].value == 8.0
    assert "at the best batch, here 4, on Kodak, 768 x 512" in cells["ELIC"]["encode_images_per_s"].notes[0]
    assert "encode_images_per_s" not in cells["JPEG"]


def test_without_batches_table_1_is_as_before(make_run: Callable[..., Run], tmp_path: Path) -> None:
    without = gather_report_data([make_run(tmp_path / "run", {"jpeg": 1.0})], "none", "jpeg", "pchip")
    assert not any("images_per_s" in column.key for column in table1(without).columns)
    assert throughput_table(without).rows == []
