"""A run, or curves that were imported, become a file or a folder of files in another program's format."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from lic_bench.errors import UserError, unknown
from lic_bench.report.exchange import codec_compare, compressai_json, points_csv
from lic_bench.report.exchange.file_names import file_name
from lic_bench.report.exchange.run_curves import curves_of
from lic_bench.store.mean_curves import Imported, MeanCurve, is_imported
from lic_bench.store.run_folder import Run
from lic_bench.system.whole_file import write_whole

FORMATS = ("compressai", "csv", "codec-compare", "parquet")


@dataclass(frozen=True, slots=True)
class Exported:
    """files: name in the folder -> contents; of a format of one file "" -> contents. left_out: in words, what is."""

    files: dict[str, str | bytes]
    left_out: list[str] = field(default_factory=list)


def export(folder: Path, name: str, out: Path) -> Exported:
    """Write what is in `folder` to `out` in the format `name`, one of FORMATS; what was written.

    Raises UserError, with nothing written, for an unknown format, for what the format cannot hold, and for an `out`
    that is there already.
    """
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    exported = _of_imported(Imported(folder), name) if is_imported(folder) else _of_run(Run(folder), name)
    try:
        _write(exported.files, out)
    except OSError as error:
        raise UserError(f"Cannot write {out}: {error.strerror}; choose another --out.") from None
    return exported


def _of_run(run: Run, name: str) -> Exported:
    if name == "parquet":
        from lic_bench.report.exchange.parquet import records_parquet

        return Exported({"": records_parquet(run)})
    if name == "codec-compare":
        texts, left_out = codec_compare.batches(run)
        return Exported({**texts}, left_out)
    curves, left_out = curves_of(run)
    return _of_curves(curves, name, left_out)


def _of_imported(imported: Imported, name: str) -> Exported:
    if name == "codec-compare":
        raise UserError(f"{imported.folder} holds means alone; Codec-Compare needs images: give a run, or csv.")
    if name == "parquet":
        from lic_bench.report.exchange.parquet import points_parquet

        return Exported({"": points_parquet(imported.curves)})
    return _of_curves(imported.curves, name, [])


def _of_curves(curves: Sequence[MeanCurve], name: str, left_out: list[str]) -> Exported:
    if name == "csv":
        return Exported({"": points_csv.write(curves)}, left_out)
    files: dict[str, str | bytes] = {}
    for curve in curves:
        folder = file_name(curve.dataset)
        taken = [path.name for path in map(Path, files) if path.parent.name == folder]
        files[f"{folder}/{file_name(curve.codec, taken=taken, suffix='.json')}"] = compressai_json.write(curve)
        if missing := compressai_json.lacking(curve):
            left_out = [*left_out, f"{curve.codec} on {curve.dataset}: {', '.join(missing)} is not known of all points"]
    return Exported(files, left_out)


def _write(files: dict[str, str | bytes], out: Path) -> None:
    if out.is_dir() and "" in files:
        raise UserError(f"{out} is a folder; this format is one file: give --out the name of a new one.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} is there already; choose another --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    if "" in files:
        return write_whole(out, files[""])
    with TemporaryDirectory(prefix=".draft-", dir=out.parent) as folder:
        draft = Path(folder) / "draft"
        for name, contents in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(draft / name, contents)
        draft.rename(out)
    return None
