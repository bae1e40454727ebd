"""The records of a run for Codec-Compare, whose page shows pairs of similarly coded images.

The format: https://github.com/webmproject/codec-compare#plug-data-at-serve-time
"""

import json
import math
from collections.abc import Mapping
from statistics import median
from typing import Any

import pandas as pd

from lic_bench.errors import UserError
from lic_bench.report.exchange.file_names import file_name
from lic_bench.report.exchange.run_curves import measured_by
from lic_bench.report.frames.image_sets import records_on_curves
from lic_bench.report.labels import measured_label
from lic_bench.store.run_folder import Run

EXACT_DB = 99.0  # for what is infinite, which JSON does not have
LIST = "batches.json"
CONSTANTS = {
    "name": "Name of this batch",
    "codec": "Name of the codec used to generate this data",
    "version": "Version of the codec's program or library, or the hash of its weights",
    "time": "Timestamp of when this data was generated",
    "source_data_set": "The data set of the original images",
    "measured_by": "What measured this, and on which machine",
    "protocol": "The rules by which it was measured",
}
FIELDS = {
    "original_name": "Original image file name",
    "width": "Pixel columns in the original image",
    "height": "Pixel rows in the original image",
    "quality": "Quality parameter of the codec",
    "encoded_size": "Size of the encoded image in bytes, payload and header",
    "psnr": f"PSNR over R, G and B of the 8-bit image; {EXACT_DB:g} if it came back exactly",
    "msssim": f"MS-SSIM in dB, -10 log10(1 - x); {EXACT_DB:g} if it is 1",
    "encoding_time": "Encoding duration in seconds, median of the samples",
    "decoding_time": "Decoding duration in seconds, median of the samples",
}


def batches(run: Run) -> tuple[dict[str, str], list[str]]:
    """File name -> text: a batch per codec, device and data set, and batches.json of each data set, which lists them.

    Failed records have no place there, nor have random weights: they are named in the second value. Raises UserError if
    nothing is left.
    """
    good = records_on_curves(run.records)
    good = good[(good.status == "ok") & (good.psnr_db.notna() | good.mse_8bit.eq(0))]
    texts: dict[str, str] = {}
    lists: dict[str, list[list[str]]] = {}
    for _, group in good.groupby(["dataset", "codec", "device"], sort=False):
        folder = file_name(group.dataset.iloc[0])
        name = file_name(group.codec.iloc[0], taken=[entry for [entry] in lists.get(folder, [])], suffix=".json")
        texts[f"{folder}/{name}"] = json.dumps(_batch(run, group), indent=1, allow_nan=False) + "\n"
        lists.setdefault(folder, []).append([name])
    if not texts:
        raise UserError(f"{run.folder} has no records to export: all failed, have random weights, or no quality.")
    missing = len(run.records) - len(good)
    left_out = [f"{missing} of {len(run.records)} records left out: failed, random weights, or no quality"]
    lists_texts = {f"{folder}/{LIST}": json.dumps(names, indent=1) + "\n" for folder, names in lists.items()}
    return texts | lists_texts, left_out if missing else []


def _batch(run: Run, records: pd.DataFrame) -> dict[str, Any]:
    first: Any = records.iloc[0]
    label = measured_label(first.codec, first["mode"])
    made = measured_by(run, first.device)
    version = next((str(value) for value in (first.encoder_version, first.weights) if isinstance(value, str)), "")
    time = str((run.info.get("environment") or {}).get("time") or "")
    rows = [_row(record) for record in records.to_dict("records")]
    names = [name for name in FIELDS if all(row[name] is not None for row in rows)]  # each row must have every field
    return {
        "constant_descriptions": [{name: what} for name, what in CONSTANTS.items()],
        "constant_values": [f"{label}, {run.name}", first.codec, version, time, first.dataset, made, first.protocol],
        "field_descriptions": [{name: FIELDS[name]} for name in names],
        "field_values": [[row[name] for name in names] for row in rows],
    }


def _row(record: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "original_name": record["image"],
        **{name: int(record[name]) for name in ("width", "height", "quality")},
        "encoded_size": int(record["payload_bytes"]) + int(_or_none(record["header_bytes"]) or 0),
        "psnr": EXACT_DB if record["mse_8bit"] == 0 else _or_none(record["psnr_db"]),
        "msssim": _decibels(record["ms_ssim"]),
        "encoding_time": median(record["encode_s"]) if record["encode_s"] else None,
        "decoding_time": median(record["decode_s"]) if record["decode_s"] else None,
    }


def _or_none(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else value


def _decibels(ms_ssim: float | None) -> float | None:
    if (ms_ssim := _or_none(ms_ssim)) is None:
        return None
    return min(EXACT_DB, -10 * math.log10(1 - ms_ssim)) if ms_ssim < 1 else EXACT_DB
