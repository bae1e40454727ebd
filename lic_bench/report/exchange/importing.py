"""Files of other programs become a folder of curves that reports show beside runs."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lic_bench.errors import UserError, printable
from lic_bench.report.exchange import compressai_json, points_csv
from lic_bench.store.mean_curves import MeanCurve, write_curves

FORMATS = {".json": compressai_json, ".csv": points_csv}


def import_files(
    paths: Sequence[Path], out: Path, *, dataset: str | None = None, measured_by: str | None = None
) -> list[MeanCurve]:
    """Read the files, and those in folders, and write their curves into the folder `out`; the curves.

    dataset, measured_by: instead of what the files say. Raises UserError, with nothing written, for a file that cannot
    be read, and for two curves of one codec on one data set.
    """
    files = [file for path in paths for file in _files(path)]
    curves: dict[tuple[str, str], tuple[Path, MeanCurve]] = {}
    for file in files:
        for curve in _read(file, dataset):
            key = curve.codec, curve.dataset
            if key in curves:
                both = f"{curves[key][0]} and {file}"
                raise UserError(f"{both} both hold {curve.codec} on {curve.dataset}; import them apart.")
            curves[key] = file, replace(curve, measured_by=measured_by or curve.measured_by)
    found = [curve for _, curve in curves.values()]
    write_curves(out, found)
    return found


def _files(path: Path) -> list[Path]:
    """The file, or those in the folder that are of a known format."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in FORMATS)
    if not files:
        raise UserError(f"{path} holds no {' and no '.join(FORMATS)} file; give files, or a folder of them.")
    return files


def _read(path: Path, dataset: str | None) -> list[MeanCurve]:
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(f"{suffix} ({module.FORMAT})" for suffix, module in FORMATS.items())
        raise UserError(f"{path} is of no known format, {path.suffix or 'without an ending'}; known: {known}.")
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not text in UTF-8; give {reader.FORMAT}.") from None
    digest, now = hashlib.sha256(data).hexdigest(), datetime.now(UTC).isoformat(timespec="seconds")
    path = Path(printable(str(path)))
    source = f"{path.name}, sha256 {digest}, {reader.FORMAT}, imported {now}"
    return [replace(curve, sources=[*curve.sources, source]) for curve in reader.read(text, path, dataset)]
