"""The pictures that runs saved, beside their originals, for the page's viewer: inside it while they are few."""

import io
import os
import shutil
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from PIL import Image as Pillow

from lic_bench.errors import UserError
from lic_bench.images.datasets import find_dataset, name_without_crop
from lic_bench.images.image_file import Image, read_image
from lic_bench.report.labels import dataset_label, measured_label
from lic_bench.store.run_folder import Run
from lic_bench.store.saved_files import picture_hash, saved_path

PICTURES = "pictures"  # their folder in the report
MOST_INSIDE = 2_500_000  # bytes of PNG in the page itself, so that it stays under 6 MB; more become files beside it


@dataclass(slots=True)
class SavedPictures:
    """images: for JSON, each with its points; these name pictures by content hash. files: hash -> PNG or its path."""

    images: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes | Path] = field(default_factory=dict)

    @property
    def inside(self) -> bool:
        """Whether they fit in the page."""
        sizes = (len(f) if isinstance(f, bytes) else f.stat().st_size for f in self.files.values())
        return sum(sizes) <= MOST_INSIDE

    def addresses(self) -> dict[str, str]:
        """Hash -> what an <img> loads: the picture itself, or its file from the report's folder."""
        if not self.inside:
            return {name: f"{PICTURES}/{name}.png" for name in self.files}
        read = {name: f if isinstance(f, bytes) else f.read_bytes() for name, f in self.files.items()}
        return {name: f"data:image/png;base64,{b64encode(png).decode()}" for name, png in read.items()}

    def write(self, out: Path) -> list[Path]:
        """Put the files into the folder `out` where they are not inside the page; hard links where that is possible."""
        if self.inside:
            return []
        (out / PICTURES).mkdir(exist_ok=True)
        return [_put(content, out / PICTURES / f"{name}.png") for name, content in self.files.items()]


def saved_pictures(runs: Sequence[Run]) -> SavedPictures:
    """Every picture that is still there, by image; without an original where its data set is not found here."""
    found, images = SavedPictures(), dict[tuple[str, str, str], dict[str, Any]]()
    for run in runs:
        records = run.records[run.records.saved_picture.notna() & (run.records.status == "ok")]
        for dataset, rows in records.groupby("dataset", sort=False):
            originals = _originals(run, str(dataset))
            for row in rows.itertuples():
                path = saved_path(run.folder, PICTURES, str(row.saved_picture))
                if path.is_file():
                    found.files[str(row.saved_picture)] = path
                    key = str(dataset), str(row.image), str(row.image_sha256)
                    if key not in images:
                        images[key] = _image(row, _original(found, originals.get(str(row.image)), row))
                    images[key]["points"].append(_point(run, row))
    found.images = list(images.values())
    return found


def _image(row: Any, original: str | None) -> dict[str, Any]:
    name = f"{dataset_label(row.dataset)}, {row.image}"
    return {"name": name, "width": row.width, "height": row.height, "original": original, "points": []}


def _point(run: Run, row: Any) -> dict[str, Any]:
    times = {"encode_ms": _median_ms(row.encode_s), "decode_ms": _median_ms(row.decode_s)}
    values = {"psnr_db": row.psnr_db, "ms_ssim": row.ms_ssim, **times}
    return {
        "codec": measured_label(row.codec, row.mode),
        "run": run.name,
        "quality": row.quality,
        "bpp": 8 * row.payload_bytes / (row.width * row.height),
        **{name: None if pd.isna(value) else value for name, value in values.items()},
        "picture": row.saved_picture,
    }


def _median_ms(samples: Sequence[float]) -> float | None:
    return 1e3 * median(samples) if samples else None


def _originals(run: Run, dataset: str) -> dict[str, Image]:
    """The images of a data set by name, as far as it is found here."""
    config = run.info.get("config") or {}
    with suppress(UserError):
        found = find_dataset(
            name_without_crop(dataset), crop=config.get("crop"), convert=bool(run.info.get("conversions"))
        )
        return {image.name: image for image in found.usable}
    return {}


def _original(found: SavedPictures, image: Image | None, row: Any) -> str | None:
    """The hash of the original, which joins the files; None where it is not here, or is another picture."""
    if image is None or image.sha256 != row.image_sha256:
        return None
    pixels = read_image(image)
    png = io.BytesIO()
    Pillow.fromarray(pixels).save(png, "PNG")  # anew: a profile or gamma in its file would colour it in browsers
    name = picture_hash(pixels.shape[0], pixels.shape[1], pixels.tobytes())
    found.files[name] = png.getvalue()
    return name


def _put(content: bytes | Path, path: Path) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
        return path
    try:
        os.link(content.resolve(), path)
    except OSError:  # another file system
        shutil.copyfile(content, path)
    return path
