"""Small runs for the tests of comparisons, written through the real store from rows that are made up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import pytest

from lic_bench.run.options import PARTS
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run, Store
from lic_bench.store.run_json import RunConfig

MIB = 2**20
FINGERPRINT: Mapping[str, Any] = {
    "cpu": "Example CPU",
    "cores_usable": 2,
    "cpu_capability": "AVX2",
    "processor": {"governor": "performance", "turbo": False, "sockets": 1, "cores_physical": 2},
    "limits": {"cpu_limit": None, "memory_limit_bytes": None},
    "gpu": None,
    "driver": None,
    "gpu_parts": {"kind": None, "memory_bytes": None, "cuda": None},
    "torch": "2.15.0",
    "torch_build": "07f0372b5746",
    "settings": {"cudnn.benchmark": False, "freed_memory_kept": True},
    "variables": {"OMP_NUM_THREADS": "1"},
    "packages": {"numpy": "1.26.4", "pillow": "13.0.0"},
    "coders": {"JPEG": "libjpeg-turbo 3.2.0"},
    "lic_bench": "0.1.0",
    "kernels": {},
    "programs": {},
    "cores_kept": None,
}
ENVIRONMENT: Mapping[str, Any] = {
    "time": "2026-11-23T03:50:59+00:00",
    "lic_bench": "0.1.0",
    "git_commit": "0123456789ab",
    "command": ["lic-bench", "run"],
    "cpu": "Example CPU",
    "load_average": [0.5, 1.3, 6.2],
    "threads": 1,
    "processor": {"now_mhz": 2299.998},
    "gpu": None,
}


class Stored(Protocol):
    """What the fixture `stored` is."""

    def __call__(
        self, records: Sequence[Record], complexity: Sequence[Complexity] = (), *, name: str = "base", **parts: Any
    ) -> Run:
        """The run of these rows in a folder of this name; parts: what differs in a section of run.json, by key."""
        ...


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Writes a run: stored(records, complexity, name="new", config={"threads": 2})."""

    def write(
        records: Sequence[Record], complexity: Sequence[Complexity] = (), *, name: str = "base", **parts: Any
    ) -> Run:
        sections: dict[str, dict[str, Any]] = {
            "config": _config(records),
            "fingerprint": dict(FINGERPRINT),
            "environment": dict(ENVIRONMENT),
            "images": {f"{row.dataset}/{row.image}": row.image_sha256 for row in records},
        }
        for section, values in parts.items():
            sections[section] |= values
        store = Store(tmp_path / name, sections)
        for row in records:
            store.records.append(row)
        for count in complexity:
            store.complexity.append(count)
        store.close()
        return Run(tmp_path / name)

    return write


@pytest.fixture
def record() -> Callable[..., Record]:
    """A record of one image, jpeg q50 on kodak; record(codec="elic", image="kodim02.png", payload_bytes=999)."""
    return _record


@pytest.fixture
def complexity() -> Callable[..., Complexity]:
    """A record of operations, of elic q4 by the exact counter; complexity(counter="thop", macs=999)."""
    return _complexity


def _record(**given: Any) -> Record:
    image = given.get("image", "kodim01.png")
    fields: dict[str, Any] = {
        **{"codec": "jpeg", "quality": 50, "dataset": "kodak", "image": image, "width": 768, "height": 512},
        **{"status": "ok", "image_sha256": sha256(image.encode()).hexdigest()},
    }
    measured: dict[str, Any] = {
        **{"payload_bytes": 20_000, "header_bytes": 42, "bitstream_sha256": "c0ffee", "mse_8bit": 31.25},
        **{"psnr_db": 33.18, "ms_ssim": 0.9875, "decode_mse": 0.0, "decode_max_abs": 0},
        **{"encode_s": [0.050, 0.051, 0.052], "decode_s": [0.020, 0.021, 0.022], "canary_s": [0.010, 0.010, 0.010]},
        "peak_memory_bytes": {"weights": 40 * MIB, "encode_rss": 900 * MIB, "encode_rss_growth": 80 * MIB},
    }
    return Record(**(fields | (measured if given.get("status", "ok") == "ok" else {}) | given))


def _complexity(**given: Any) -> Complexity:
    fields: dict[str, Any] = {"codec": "elic", "quality": 4, "width": 768, "height": 512, "counter": "exact"}
    return Complexity(**(fields | {"path": "forward", "macs": 327_680_000, "parameters": 33_793_000} | given))


def _config(records: Sequence[Record]) -> dict[str, Any]:
    codecs = tuple(dict.fromkeys(row.codec for row in records))
    datasets = tuple(dict.fromkeys(row.dataset for row in records))
    images = {name: len({row.image for row in records if row.dataset == name}) for name in datasets}
    own = {codec: [row for row in records if row.codec == codec] for codec in codecs}
    config = RunConfig(
        codecs=codecs,
        datasets=datasets,
        images=images,
        qualities={codec: tuple(dict.fromkeys(row.quality for row in rows)) for codec, rows in own.items()},
        weights={
            c: {str(r.quality): r.weights for r in rows if r.weights} for c, rows in own.items() if rows[0].weights
        },
        measure=PARTS,
        device="cpu",
        threads=1,
        repeats=5,
    )
    return asdict(config)
