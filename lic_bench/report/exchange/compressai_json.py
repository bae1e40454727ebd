"""CompressAI's result files, of compressai.utils.bench and eval_model: a JSON object with name, description, results.

`results` has a list per quantity, an entry for each quality. Numbers of whole data sets, means over their images.
https://github.com/InterDigitalInc/CompressAI/tree/master/results
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lic_bench.errors import UserError
from lic_bench.report.exchange.point_values import TIMES, USUAL, check_names, check_points
from lic_bench.store.json_validation import shortened, spell_out_bytes
from lic_bench.store.mean_curves import MeanCurve

FORMAT = "CompressAI's JSON"
NAMES: dict[str, Sequence[str]] = {
    "psnr_db": ("psnr-rgb", "psnr"),
    "ms_ssim_db": ("ms-ssim-db-rgb", "ms-ssim-db"),
    "ms_ssim": ("ms-ssim-rgb", "ms-ssim"),
    "encode_s": ("encoding_time",),
    "decode_s": ("decoding_time",),
}
OURS = {theirs: ours for ours, names in NAMES.items() for theirs in names}
OWN_KEY = "lic_bench"  # what their format has no place for; their programs read `name` and `results` alone
OWN_TEXTS = ("codec", "dataset", "metric_optimised_for", "measured_by")


def read(text: str, path: Path, dataset: str | None) -> list[MeanCurve]:
    """The file's only curve. dataset: None for the one that the file names, or for the name of its folder.

    The codec is called as the file, since several of CompressAI's own have the same `name`. Raises UserError for what
    is no such file.
    """
    values = _object(text, path)
    own, meta = (_part(values, key) for key in (OWN_KEY, "meta"))
    name, description = (str(values.get(key) or "") for key in ("name", "description"))
    optimised = "ms-ssim" if "ms-ssim" in (words := f"{meta.get('opt_metric')} {path.stem}") else ""
    codec = str(own.get("codec") or path.stem)
    return [
        MeanCurve(
            codec=codec,
            label=name if own or name.casefold() == codec.casefold() else f"{name} ({codec})" if name else codec,
            dataset=dataset or str(own.get("dataset") or meta.get("dataset") or path.resolve().parent.name),
            metric_optimised_for=str(own.get("metric_optimised_for", optimised or ("mse" if "mse" in words else ""))),
            measured_by=str(own.get("measured_by") or _said(meta)),
            description=description,
            sources=[str(source) for source in own.get("sources") or ()],
            points=_points(values, path),
        )
    ]


def write(curve: MeanCurve) -> str:
    """The curve as such a file, with what the format has no place for under a key of its own.

    A quantity that a point lacks is left out, as the lists must be of one length: see `lacking`.
    """
    kept = [name for name in curve.points[0] if name not in lacking(curve)]
    results = {NAMES.get(name, (name,))[0]: [point[name] for point in curve.points] for name in kept}
    own = {name: getattr(curve, name) for name in (*OWN_TEXTS, "sources")}
    values = {"name": curve.label, "description": curve.description, "results": results, OWN_KEY: own}
    return json.dumps(values, indent=2) + "\n"


def lacking(curve: MeanCurve) -> list[str]:
    """The quantities that some points have and others do not."""
    names = dict.fromkeys(name for point in curve.points for name in point)
    return [name for name in names if any(name not in point for point in curve.points)]


def _object(text: str, path: Path) -> dict[str, Any]:
    try:
        values = json.loads(spell_out_bytes(text), parse_int=float)
    except (ValueError, RecursionError):
        raise UserError(f"{path} is not JSON; give a result file of CompressAI.") from None
    if not isinstance(values, dict) or not isinstance(values.get("results", values), dict):
        raise UserError(f"{path} has no object 'results'; give a result file of CompressAI.")
    return values


def _part(values: dict[str, Any], key: str) -> dict[str, Any]:
    part = values.get(key)
    return part if isinstance(part, dict) else {}


def _said(meta: dict[str, Any]) -> str:
    return ", ".join(str(meta[key]) for key in ("source", "url", "device") if meta.get(key))


def _points(values: dict[str, Any], path: Path) -> list[dict[str, float]]:
    results = values.get("results", values)
    lists = {key: column for key, column in results.items() if isinstance(column, list)}
    check_names(str(path), lists, NAMES)
    expected = len(lists["bpp"])
    for key, column in lists.items():
        if len(column) != expected:
            raise UserError(f"{path}: {key} has {len(column)} values and bpp {expected}; give one of each per quality.")
        if key in (*OURS, "bpp") and (others := [value for value in column if not isinstance(value, float)]):
            raise UserError(f"{path}: {key} has {shortened(others[0])}, which is no number.")
    kept = {key: column for key, column in lists.items() if all(isinstance(value, float) for value in column)}
    points = [{OURS.get(key, key): column[place] for key, column in kept.items()} for place in range(expected)]
    check_points([f"{path}, value {place + 1}" for place in range(expected)] or [str(path)], points)
    return points


assert {*NAMES} == {*USUAL, *TIMES}
