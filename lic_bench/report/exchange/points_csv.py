"""Points as plain CSV: a header, then a line per codec, data set and quality; columns of texts, and of numbers."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from lic_bench.errors import UserError
from lic_bench.report.exchange.point_values import KNOWN, check_names, check_points
from lic_bench.store.mean_curves import MeanCurve

FORMAT = "CSV of points"
TEXTS = ("codec", "label", "dataset", "metric_optimised_for", "measured_by", "description", "sources")
BETWEEN = " | "  # between the sources of a curve


def read(text: str, path: Path, dataset: str | None) -> list[MeanCurve]:
    """The file's curves, in order of their first lines.

    dataset: of all lines, instead of a column `dataset`. Without a column `codec` the file's name is the codec's.
    Columns that are neither these texts nor numbers are left aside. Raises UserError for what is no such file.
    """
    rows = _rows(text, path)
    header = list(rows[0]) if rows else _header(text)
    check_names(str(path), header, {})
    if "dataset" not in header and not dataset:
        raise UserError(f"{path} has no column 'dataset'; add it, or give --dataset. It has: {', '.join(header)}.")
    numbers = [name for name in header if name not in TEXTS and _is_numbers(name, rows)]
    where = [f"{path}, line {line}" for line in range(2, len(rows) + 2)]
    points = [_point(row, numbers, place) for row, place in zip(rows, where, strict=True)]
    check_points(where or [str(path)], points)
    curves: dict[tuple[str, str], MeanCurve] = {}
    for row, point in zip(rows, points, strict=True):
        texts = {name: row.get(name, "") for name in TEXTS} | ({"dataset": dataset} if dataset else {})
        codec = texts["codec"] or path.stem
        curve = curves.setdefault((codec, texts["dataset"]), _curve(codec, texts))
        curve.points.append(point)
    return list(curves.values())


def write(curves: Sequence[MeanCurve]) -> str:
    """The curves as such a file; a cell is empty where a point lacks a value."""
    names = dict.fromkeys(name for curve in curves for point in curve.points for name in point)
    columns = [*TEXTS[:3], *sorted(names, key=lambda name: (name not in KNOWN, (*KNOWN, name).index(name)))]
    file = io.StringIO()
    writer = csv.DictWriter(file, [*columns, *TEXTS[3:]], lineterminator="\n")
    writer.writeheader()
    for curve in curves:
        texts = {name: getattr(curve, name) for name in TEXTS} | {"sources": BETWEEN.join(curve.sources)}
        writer.writerows(texts | {name: _cell(value) for name, value in point.items()} for point in curve.points)
    return file.getvalue()


def _cell(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _header(text: str) -> list[str]:
    return [name.strip() for name in next(csv.reader(io.StringIO(text)), [])]


def _rows(text: str, path: Path) -> list[dict[str, str]]:
    header = _header(text)
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise UserError(f"{path} has two columns {twice!r}; name each once.")
    rows = []
    for line, cells in enumerate(list(csv.reader(io.StringIO(text)))[1:], 2):
        if len(cells) != len(header):
            raise UserError(f"{path}, line {line}: {len(cells)} cells, the header has {len(header)}; give one of each.")
        rows.append(dict(zip(header, (cell.strip() for cell in cells), strict=True)))
    return rows


def _is_numbers(name: str, rows: Sequence[Mapping[str, str]]) -> bool:
    return name in KNOWN or all(_number(row[name]) is not None for row in rows if row[name])


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _point(row: Mapping[str, str], numbers: Sequence[str], where: str) -> dict[str, float]:
    point = {name: _number(row[name]) for name in numbers if row[name]}
    if wrong := next((name for name, value in point.items() if value is None), ""):
        raise UserError(f"{where}: {wrong} = {row[wrong]!r} is no number.")
    if "bpp" not in point:
        raise UserError(f"{where}: bpp is empty; give it, or leave the line out.")
    return {name: value for name, value in point.items() if value is not None}


def _curve(codec: str, texts: Mapping[str, str]) -> MeanCurve:
    said = {name: texts[name] for name in ("dataset", "metric_optimised_for", "measured_by", "description")}
    sources = [source for source in texts["sources"].split(BETWEEN) if source]
    return MeanCurve(codec=codec, label=texts["label"] or codec, sources=sources, points=[], **said)
