import io
from pathlib import Path
from typing import Any

from rich.console import Console

from lic_bench.store.records import Throughput
from lic_bench.store.run_folder import Store
from lic_bench.terminal.batch_listings import batch_summary, best_batch
from lic_bench.terminal.listings import run_points


def store(folder: Path, **changes: Any) -> None:
    fields = {"codec": "lalic", "quality": 3, "dataset": "kodak", "width": 1000, "height": 500, "status": "ok"}
    fields |= {"images": 16, "pictures": 16, "encode_s": [4.0], "decode_s": [2.0]}
    run = Store(folder, {})
    run.throughput.append(Throughput(**(fields | changes)))
    run.close()


def test_a_run_of_batches_alone_has_points_and_a_table_of_them(tmp_path: Path) -> None:
    store(tmp_path / "run", batch=1)
    store(tmp_path / "run", batch=16, encode_s=[1.0], changed=["a", "b"])
    store(tmp_path / "run", batch=32, status="failed", error="out of memory", failure="out_of_memory", encode_s=[])
    (point,) = run_points(tmp_path / "run")
    assert (point["codec"], point["quality"], point["images"], point["bpp"]) == ("lalic", 3, 0, None)
    assert [batch["encode_images_per_s"] for batch in point["throughput"]] == [4.0, 16.0, None]
    assert [batch["decode_mp_per_s"] for batch in point["throughput"]] == [4.0, 4.0, None]
    assert [batch["changed"] for batch in point["throughput"]] == [0, 2, 0]
    assert [batch["error"] for batch in point["throughput"]] == [None, None, "out of memory"]
    assert [best_batch(point["throughput"], name) for name in ("encode", "decode")] == ["16 (16)", "8 (1)"]
    out = io.StringIO()
    Console(file=out, width=100).print(batch_summary([point]))
    rows = [line.split() for line in out.getvalue().splitlines() if "lalic" in line]
    assert rows == [
        ["lalic", "3", "kodak", "1", "4", "2", "8", "4", "same"],
        ["lalic", "3", "kodak", "16", "16", "8", "8", "4", "2", "changed"],
        ["lalic", "3", "kodak", "32", "-", "-", "-", "-", "failed"],
    ]


def test_no_batch_has_no_best() -> None:
    assert best_batch([{"batch": 4, "encode_images_per_s": None}], "encode") == "-"
