"""Points and runs made up for the tests of the history; runs go through the real store."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lic_bench.history.point import Point
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run, Store

ENVIRONMENT = {"time": "2026-03-01T02:00:00+00:00", "git_commit": "0123456789ab-dirty", "lic_bench": "0.1.0"}
FINGERPRINT = {"cpu": "Intel(R) Xeon(R) Processor", "cores_usable": 2, "torch": "2.15.0", "cores_kept": 1}
SIZE = {"width": 24, "height": 16}


@pytest.fixture(scope="session")
def point() -> Callable[..., Point]:
    """The function that makes the point of one night, see `_point`."""
    return _point


@pytest.fixture(scope="session")
def nights() -> Callable[..., list[Point]]:
    """The function that makes a series, a point per night: nights([1.0, 1.1], metric="encode_s")."""
    return _nights


@pytest.fixture(scope="session")
def stored_run() -> Callable[..., Run]:
    """The function that makes a run of two images at quality 1, see `_stored_run`."""
    return _stored_run


def commit_of(night: int) -> str:
    return sha256(str(night).encode()).hexdigest()[:12]


def _point(night: int = 0, value: float | str = 1.0, **changes: Any) -> Point:
    values: dict[str, Any] = {
        "time": f"{date(2026, 3, 1) + timedelta(days=night)}T02:00:00+00:00",
        "commit": commit_of(night),
        "dirty": False,
        "lic_bench": "0.1.0",
        "machine": "intel-xeon-2-cores-1a2b3c4d",
        "software": "aaaaaaaa",
        "protocol": "lic-bench-3",
        "device": "cpu",
        "threads": 1,
        "cores_kept": 1,
        "isolate": True,
        "quick": False,
        "weights": None,
        "mode": None,
        "images": "11112222",
        "codec": "jpeg",
        "quality": 50,
        "on": "kodak",
        "metric": "payload_bytes",
        "value": value,
        "unit": "bytes",
    }
    return Point(**(values | changes))


def _nights(values: Sequence[float | str], **changes: Any) -> list[Point]:
    return [_point(night, value, **changes) for night, value in enumerate(values)]


def _stored_run(
    folder: Path,
    *,
    slower: float = 1.0,
    machine_slower: float = 1.0,
    payload: int = 1000,
    failing: Sequence[int] = (),
    images: int = 2,
    asked: int = 2,
    environment: dict[str, Any] | None = None,
    fingerprint: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
) -> Run:
    """slower: the codec's times by this factor; machine_slower: these and the reference workload's."""
    asked_of = {"codecs": ["fake"], "datasets": ["d"], "images": {"d": asked}, "qualities": {"fake": [1]}}
    settings = {"device": "cpu", "threads": 1, "protocol": "lic-bench-3", "isolate": True, "quick": False}
    info = {
        "config": asked_of | settings | (config or {}),
        "fingerprint": FINGERPRINT | (fingerprint or {}),
        "environment": ENVIRONMENT | (environment or {}),
    }
    store = Store(folder, info)
    for number in range(images):
        name = {
            "codec": "fake",
            "quality": 1,
            "dataset": "d",
            "image": f"{number}.png",
            "image_sha256": f"{number}" * 4,
        }
        if number in failing:
            store.records.append(Record(**name, **SIZE, status="failed", error="out of sync"))
            continue
        reference = [0.010 * machine_slower * step for step in (1.0, 1.01, 1.02, 1.5, 1.0, 1.03)]
        once = [0.040 * (1 + number) * slower * machine_slower * step for step in (1.0, 1.02, 1.01, 1.6, 1.0, 1.04)]
        store.records.append(
            Record(
                **name,
                **SIZE,
                status="ok",
                payload_bytes=payload + number,
                header_bytes=8,
                bitstream_sha256=f"{payload}-{number}",
                mse_8bit=1 / 3,
                peak_memory_bytes={"encode_rss": 2**28},
                encode_s=once,
                decode_s=[s / 4 for s in once],
                canary_s=reference,
            )
        )
    counted = {"codec": "fake", "quality": 1, "counter": "exact", "path": "forward"}
    store.complexity.append(Complexity(**counted, **SIZE, macs=10**9, parameters=5))
    store.close()
    return Run(folder)
