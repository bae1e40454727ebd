import subprocess
import sys
from dataclasses import asdict

from lic_bench.store.records import Complexity, Record


def test_fields_that_other_tools_rely_on() -> None:
    settled = """schema codec quality dataset image width height status error weights device payload_bytes header_bytes
    bpp_estimated mse_8bit psnr_db ms_ssim encode_s decode_s phases_s peak_memory_bytes protocol"""
    record = Record(codec="a", quality=1, dataset="d", image="i", width=1, height=1, status="ok")
    assert set(settled.split()) <= set(asdict(record))
    complexity = "codec quality width height counter path macs parameters parameters_inference uncounted_ops"
    row = Complexity(codec="a", quality=1, width=1, height=1, counter="thop", path="forward", macs=1, parameters=1)
    assert set(complexity.split()) <= set(asdict(row))


def test_records_are_made_without_what_only_reading_them_needs() -> None:
    code = "import sys, lic_bench.store.records; sys.exit(bool({'torch', 'pydantic', 'pandas'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
