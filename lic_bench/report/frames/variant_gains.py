"""What variants of codecs gain and lose against their bases, and where they stand: each after its base."""

from copy import copy
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from lic_bench.rate_distortion.bd_rate import Floats
from lic_bench.report.frames.codec_costs import OPERATIONS, identity_columns, memory_of_operation
from lic_bench.report.frames.image_sets import without_lost_sync
from lic_bench.report.labels import codec_label
from lic_bench.spec import VARIANT_MARK
from lic_bench.store.run_folder import Run

VARIANTS = [
    *("curve", "run", "codec", "label", "device", "weights", "dataset", "base", "base_label", "base_measured"),
    *("qualities", "n_images", "encode_speed_up", "decode_speed_up", "bytes_change", "bytes_equal", "psnr_change_db"),
    *("memory_change", "largest_difference", "n_records", "n_failed", "n_out_of_sync", "error"),
]


def variants_frame(run: Run) -> pd.DataFrame:
    """One row per variant, device and data set, columns VARIANTS, over the qualities and images that its base has too.

    encode_speed_up, decode_speed_up: the median ratio of their medians, the base's time over the variant's.
    bytes_change, memory_change: mean ratio less 1. psnr_change_db: mean difference. largest_difference: of the decoded
    images, in levels. NaN where not measured. qualities: a tuple; those at which an image lost sync are not in it.
    """
    variants = run.records[run.records.codec.str.contains(VARIANT_MARK, regex=False)]
    rows = []
    for (codec, device, dataset), own in variants.groupby(["codec", "device", "dataset"], sort=False):
        base = str(codec).partition(VARIANT_MARK)[0]
        is_base = (run.records.codec == base) & (run.records.device == device) & (run.records.dataset == dataset)
        names = {"base": base, "base_label": codec_label(base), "base_measured": bool(is_base.any())}
        rows.append(identity_columns(run, own) | names | _gains(own, run.records[is_base]) | _failures(own))
    return pd.DataFrame(rows, columns=VARIANTS)


def variants_after_bases(run: Run) -> Run:
    """The run, each variant's rows after those of its base, otherwise as they come; itself if it has no variants."""
    if not any(VARIANT_MARK in codec for codec in {*run.records.codec, *run.complexity.codec, *run.throughput.codec}):
        return run
    ordered = copy(run)
    for name in ("records", "complexity", "throughput"):
        setattr(ordered, name, _after_bases(getattr(run, name)))
    return ordered


def _after_bases(rows: pd.DataFrame) -> pd.DataFrame:
    codecs = dict.fromkeys(rows.codec)
    families = list(dict.fromkeys(codec.partition(VARIANT_MARK)[0] for codec in codecs))

    def place(codec: str) -> tuple[int, bool]:
        base, mark, _ = codec.partition(VARIANT_MARK)
        return families.index(base), bool(mark)

    order = sorted(codecs, key=place)
    return rows.sort_values("codec", key=lambda column: column.map(order.index), kind="stable")


def _gains(own: pd.DataFrame, base: pd.DataFrame) -> dict[str, Any]:
    """own, base: the records of both on one device and data set."""
    kept = without_lost_sync(own)
    kept, base = kept[kept.status == "ok"], base[base.status == "ok"]
    pairs = kept.merge(base, on=["quality", "image"], suffixes=("", "_base"))
    shown = pairs if len(pairs) else kept
    hashes = pairs[["bitstream_sha256", "bitstream_sha256_base"]].dropna()
    pairs = pairs.assign(**{f"memory{end}": pairs[f"peak_memory_bytes{end}"].map(_memory) for end in ("", "_base")})
    return {
        "qualities": tuple(sorted({int(quality) for quality in shown.quality})),
        "n_images": shown.image.nunique(),
        **{f"{name}_speed_up": _speed_up(pairs, name) for name in OPERATIONS},
        "bytes_change": _mean(_floats(pairs, "payload_bytes") / _floats(pairs, "payload_bytes_base") - 1),
        "bytes_equal": len(hashes) == len(pairs) > 0 and bool((hashes.iloc[:, 0] == hashes.iloc[:, 1]).all()),
        "psnr_change_db": _mean(_floats(pairs, "psnr_db") - _floats(pairs, "psnr_db_base")),
        "memory_change": _mean(_floats(pairs, "memory") / _floats(pairs, "memory_base") - 1),
        "largest_difference": float(pd.Series(_floats(kept, "base_max_abs")).max()),
    }


def _failures(own: pd.DataFrame) -> dict[str, Any]:
    failed = own[own.status != "ok"].sort_values("failure", key=lambda kinds: kinds != "out_of_sync", kind="stable")
    return {
        "n_records": len(own),
        "n_failed": len(failed),
        "n_out_of_sync": int((failed.failure == "out_of_sync").sum()),
        "error": failed.error.iloc[0] if len(failed) else "",
    }


def _speed_up(pairs: pd.DataFrame, operation: str) -> float:
    times = zip(pairs[f"{operation}_s"], pairs[f"{operation}_s_base"], strict=True)
    ratios = [median(base) / median(own) for own, base in times if own and base]
    return median(ratios) if ratios else float("nan")


def _memory(peaks: dict[str, float]) -> float | None:
    needed = [memory for name in OPERATIONS if (memory := memory_of_operation(peaks, name))]
    return max(needed, default=None)


def _floats(pairs: pd.DataFrame, column: str) -> Floats:
    return np.asarray(pairs[column].astype(float), np.float64)


def _mean(values: Floats) -> float:
    """The mean of those that are known; NaN if none is."""
    return float(pd.Series(values).mean())
