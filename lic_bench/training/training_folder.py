"""The folder of a training: settings, last state, curve and weights. Each file is whole or as it was before."""

import csv
import io
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from lic_bench.errors import UserError
from lic_bench.system.claimed_folder import check_no_strangers, claim_folder, set_folder_aside
from lic_bench.system.whole_file import DRAFT, write_whole
from lic_bench.training.recipe import Stage

USER = "training"
SETTINGS, STATE, CURVE = "training.json", "state.pt", "curve.csv"
WAYS_OUT = {
    "data_sha256": ("data", "the pictures in --data are not the same as at its beginning"),
    "commit": ("commit", "it began at another commit of lic-bench"),
}
ALLOWED = tuple(name for name, _ in WAYS_OUT.values())


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Means over the steps since the last point. step: the last of them, from 1 on. seconds: of training so far."""

    step: int
    learning_rate: float
    crop: int
    loss: float
    bpp: float
    psnr_db: float
    images_per_s: float
    seconds: float


class TrainingFolder:
    """Opened by one process at a time. settings: plain JSON values that a training must go on with.

    allow: of ALLOWED, differences to the settings at the beginning that are taken.
    Raises UserError for a folder in use, one that cannot be written, and a training with other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], allow: Collection[str] = ()) -> None:
        self.folder = folder
        self._lock = claim_folder(folder, USER)
        try:
            self._stored = self._claim(dict(settings), allow)
        except BaseException:
            self.close()
            raise

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those with which the training began."""
        return tuple(Stage(**stage) for stage in self._stored["stages"])

    @property
    def earlier(self) -> list[dict[str, Any]]:
        """What was different before: commits and hashes of the pictures, the oldest first."""
        return list(self._stored.get("earlier", []))

    def close(self) -> None:
        """Let others use the folder."""
        self._lock.close()

    def save(self, state: Mapping[str, Any], weights: Mapping[str, Any], name: str) -> None:
        """Store a state and the weights file called `name`. Raises UserError where the disk takes no more."""
        with self._writing():
            write_whole(self.folder / STATE, _packed(state))
            write_whole(self.folder / name, _packed(weights))

    def cut_curve(self, last: int) -> None:
        """Remove the points after step `last`, which are trained again."""
        path = self.folder / CURVE
        rows = list(csv.reader(path.read_text().splitlines()))[1:] if path.exists() else []
        kept = [row for row in rows if len(row) == len(fields(CurvePoint)) and int(row[0]) <= last]
        with self._writing():
            write_whole(path, _lines([[field.name for field in fields(CurvePoint)], *kept]))

    def add_point(self, point: CurvePoint) -> None:
        """Append to the curve."""
        with self._writing(), (self.folder / CURVE).open("a") as file:
            file.write(_lines([[f"{value:.6g}" if isinstance(value, float) else value for value in astuple(point)]]))

    def _claim(self, settings: dict[str, Any], allow: Collection[str]) -> dict[str, Any]:
        """What training.json holds from now on. What was allowed to differ is kept in `earlier`."""
        path = self.folder / SETTINGS
        for draft in self.folder.glob(f"*{DRAFT}"):
            draft.unlink()  # of a process that was killed
        if not path.exists():
            check_no_strangers(self.folder, SETTINGS)
            return self._write(settings)
        try:
            stored: dict[str, Any] = json.loads(path.read_text())
            changed = {name: stored.get(name) for name in settings if settings[name] != stored.get(name)}
        except (ValueError, AttributeError):
            raise UserError(f"{path} is damaged; begin anew with --fresh.") from None
        if "data" in allow:
            changed = {name: value for name, value in changed.items() if name not in ("pictures", "stages")}
        for name, before in changed.items():
            word, what = WAYS_OUT.get(name, ("", f"{name} was {before!r}, now {settings[name]!r}"))
            if not word or word not in allow:
                go_on = f", or go on with --allow {word}" if word else ""
                raise UserError(
                    f"{self.folder} holds another training: {what}; choose another --out, begin anew with --fresh"
                    f"{go_on}."
                )
        if not changed:
            return stored
        now = {**stored, **{name: settings[name] for name in changed}}
        return self._write({**now, "earlier": [*stored.get("earlier", []), changed]})

    def _write(self, settings: dict[str, Any]) -> dict[str, Any]:
        with self._writing():
            write_whole(self.folder / SETTINGS, json.dumps(settings, indent=1) + "\n")
        return settings

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(f"Cannot write to {self.folder}: {error.strerror}; make room, then go on.") from None


def read_state(folder: Path) -> dict[str, Any] | None:
    """The last state that was saved; None before the first. Raises UserError for a damaged file."""
    path = folder / STATE
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in many ways
        raise UserError(f"{path} is damaged ({type(error).__name__}); begin anew with --fresh.") from None
    return state


def set_aside(folder: Path) -> Path | None:
    """Rename the folder of a training, so that another can begin there; its new place, None if there was none."""
    return set_folder_aside(folder, SETTINGS, USER)


def _packed(content: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    return buffer.getvalue()


def _lines(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
