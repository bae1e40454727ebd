"""A run that saved pictures: what Pillow's JPEG makes of the built-in sample, at two qualities."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import read_image
from lic_bench.store.records import Record
from lic_bench.store.run_folder import Run, Store
from lic_bench.store.saved_files import picture_hash, save

CROP = 192


@pytest.fixture(scope="session")
def make_saved_run() -> Callable[[Path], Run]:
    """The function that makes it."""
    return _make_saved_run


def _make_saved_run(folder: Path) -> Run:
    sample = find_dataset("sample", limit=1, crop=CROP)
    store = Store(folder, {"config": {"codecs": ["jpeg", "webp"], "datasets": [sample.name], "crop": CROP}})
    (image,) = sample.images
    pixels = read_image(image)
    for codec, quality in (("jpeg", 10), ("jpeg", 80), ("webp", 5), ("webp", 70)):
        coded, png = io.BytesIO(), io.BytesIO()
        Pillow.fromarray(pixels).save(coded, codec, quality=quality)
        decoded = np.asarray(Pillow.open(coded).convert("RGB"))
        Pillow.fromarray(decoded).save(png, "PNG")
        content = picture_hash(*decoded.shape[:2], decoded.tobytes())
        save(folder, "pictures", content, png.getvalue())
        mse = float(np.mean((decoded.astype(float) - pixels) ** 2))
        store.records.append(
            Record(
                codec=codec,
                quality=quality,
                dataset=sample.name,
                image=image.name,
                image_sha256=image.sha256,
                width=CROP,
                height=CROP,
                status="ok",
                payload_bytes=len(coded.getvalue()),
                header_bytes=0,
                psnr_db=float(10 * np.log10(255**2 / mse)),
                saved_picture=content,
            )
        )
    store.close()
    return Run(folder)
