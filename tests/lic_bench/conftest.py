"""Small made-up runs for the tests of the report, written through the real store."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lic_bench.records import Complexity, Record
from lic_bench.store import Run, Store

LADDER = ((0.1, 28.0), (0.2, 30.5), (0.4, 33.0), (0.8, 35.5))  # bpp, PSNR in dB
SIZE = 768, 512


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    """The function that makes a run, see `_make_run`."""
    return _make_run


def _make_run(
    folder: Path,
    codecs: Mapping[str, float],
    *,
    dataset: str = "kodak",
    images: int = 24,
    size: tuple[int, int] = SIZE,
    weights: Mapping[str, str] | None = None,
    failing: Collection[tuple[str, int, int]] = (),
    device: str = "cpu",
) -> Run:
    """A run in which codec c needs codecs[c] times the bits of LADDER; qualities count from 1.

    failing: (codec, quality, image). weights: codec -> its `weights` field; those codecs get complexity records.
    """
    info = {
        "config": {"codecs": list(codecs), "datasets": [dataset], "limit": None, "quick": False, "crop": None},
        "environment": {"cpu": "Example CPU", "gpu": {"name": "Example GPU"} if device != "cpu" else None},
        "fingerprint": {"cpu": "Example CPU"},
    }
    store = Store(folder, info)
    for codec, factor in codecs.items():
        for row in _records(codec, factor, dataset, images, size, (weights or {}).get(codec), failing, device):
            store.records.append(row)
        for counter in ("thop", "exact") if codec in (weights or {}) else ():
            store.complexity.append(_complexity(codec, counter))
    store.close()
    return Run(folder)


def _records(
    codec: str,
    factor: float,
    dataset: str,
    images: int,
    size: tuple[int, int],
    weights: str | None,
    failing: Collection[tuple[str, int, int]],
    device: str,
) -> Iterator[Record]:
    pixels = size[0] * size[1]
    for quality, (bpp, psnr_db) in enumerate(LADDER, 1):
        for image in range(images):
            name = {"codec": codec, "quality": quality, "dataset": dataset, "image": f"im{image:02}.png"}
            name |= {"width": size[0], "height": size[1], "device": device, "weights": weights}
            if (codec, quality, image) in failing:
                yield Record(**name, status="failed", error="decoder out of sync")
                continue
            tilt = image - (images - 1) / 2  # sums to nothing over the images
            yield Record(
                **name,
                status="ok",
                payload_bytes=round(factor * bpp * pixels / 8),
                header_bytes=16,
                psnr_db=psnr_db + 0.1 * tilt,
                ms_ssim=0.9 + 0.02 * quality,
                **_costs(quality, device),
            )


def _costs(quality: int, device: str) -> dict[str, Any]:
    kind = "rss_growth" if device == "cpu" else "allocated_growth"
    samples: Sequence[float] = [0.01 * quality * step for step in (1.0, 1.1, 0.9, 1.3, 0.7)]
    return {
        "encode_s": list(samples),
        "decode_s": [2 * s for s in samples],
        "cold_start_s": {"encode": 1.0, "decode": 2.0},
        "peak_memory_bytes": {f"encode_{kind}": 400_000_000, f"decode_{kind}": 300_000_000},
    }


def _complexity(codec: str, counter: Any) -> Complexity:
    common: dict[str, Any] = {"codec": codec, "quality": 1, "width": 768, "height": 512, "path": "forward"}
    uncounted = {"BiWKV": 20} if counter == "thop" else {}
    return Complexity(**common, counter=counter, macs=286_160_000_000, parameters=63_240_000, uncounted_ops=uncounted)
