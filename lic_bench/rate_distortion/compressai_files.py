"""Curves in the JSON files that CompressAI writes and reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lic_bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

FIELDS = {"bpp": "bpp", "psnr_db": "psnr-rgb", "ms_ssim": "ms-ssim-rgb", "ms_ssim_db": "ms-ssim-db-rgb"}


def read_compressai(path: Path) -> pd.DataFrame:
    """The points of a CompressAI result file ({name, results: {bpp: [...], psnr-rgb: [...], ...}}).

    Columns: codec, bpp, psnr_db, ms_ssim, ms_ssim_db; NaN for a metric that the file does not hold.
    """
    import pandas as pd

    try:
        values = json.loads(path.read_text())
        results = values["results"]
        count = len(results["bpp"])
        # CompressAI wrote "psnr" and "ms-ssim" before it wrote the colour space into the names
        columns = {}
        for ours, theirs in FIELDS.items():
            column = results.get(theirs, results.get(theirs.removesuffix("-rgb")))
            columns[ours] = column if column is not None else [float("nan")] * count
        return pd.DataFrame({"codec": str(values.get("name", path.stem)), **columns}).astype(
            dict.fromkeys(FIELDS, float)
        )
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is no CompressAI result file with results.bpp and lists of one length: {error}."
        ) from None


def write_compressai(path: Path, points: pd.DataFrame, name: str, description: str = "") -> None:
    """Write one curve (columns bpp and any of psnr_db, ms_ssim, ms_ssim_db) as a CompressAI result file."""
    curve = points.sort_values("bpp")
    kept = {key: column for column, key in FIELDS.items() if column in curve and curve[column].notna().all()}
    results = {key: [float(value) for value in curve[column]] for key, column in kept.items()}
    text = json.dumps({"name": name, "description": description, "results": results}, indent=2)
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}.") from None
