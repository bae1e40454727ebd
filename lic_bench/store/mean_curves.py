"""Curves of which only means are known, since others measured them: one codec on one data set, and their folder."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lic_bench.errors import UserError, printable
from lic_bench.store.json_validation import read_object, spell_out_bytes, validated
from lic_bench.store.records import STRICT, Number
from lic_bench.system.whole_file import write_whole

FILE = "imported.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanCurve:
    """The points of one codec on one data set, each a mean over its images; single images are not known.

    label: the codec for people. metric_optimised_for: "mse", "ms-ssim", or "" where not stated.
    measured_by: who measured, on what; "" where not stated. description: what the file says of itself.
    sources: the files that it came through, the latest last, each with its SHA-256, format and date of import.
    points: name -> value, "bpp" (bits per pixel, of the payload) in each; psnr_db, ms_ssim_db, ms_ssim (linear),
        perceptual metrics by their names, encode_s and decode_s (seconds per image), quality, and others where the file
        has them.
    """

    codec: str
    label: str
    dataset: str
    metric_optimised_for: str = ""
    measured_by: str = ""
    description: str = ""
    sources: list[str] = field(default_factory=list)
    points: list[dict[str, Number]]
    __pydantic_config__ = STRICT

    @property
    def origin(self) -> str:
        """A sentence on who measured it and which files it came through."""
        who = f"measured by: {self.measured_by}" if self.measured_by else "who measured is not stated"
        return "; ".join((who, *self.sources))


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    curves: list[MeanCurve]
    schema: int = SCHEMA
    __pydantic_config__ = STRICT


class Imported:
    """A folder that `lic-bench import` made: `name`, `curves`."""

    def __init__(self, folder: Path) -> None:
        """Raises UserError for a file that was not written by `write_curves`."""
        path, fix = folder / FILE, "import the files again"
        try:
            text = path.read_bytes()
        except OSError as error:
            raise UserError(f"Cannot read {path}: {error.strerror}; {fix}.") from None
        read_object(text, str(path), (SCHEMA,), fix)
        self.folder = folder
        self.name = printable(folder.resolve().name)
        self.curves = validated(_File, spell_out_bytes(text), str(path), fix).curves


def is_imported(folder: Path) -> bool:
    """Whether the folder holds imported curves."""
    return (folder / FILE).is_file()


def write_curves(folder: Path, curves: list[MeanCurve]) -> None:
    """Write them into a new or empty folder. Raises UserError where it holds anything, or cannot be written."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty; choose another --out.")
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / FILE, json.dumps(asdict(_File(curves=curves)), indent=1))
    except OSError as error:
        raise UserError(f"Cannot write {folder / FILE}: {error.strerror}; choose another --out.") from None
