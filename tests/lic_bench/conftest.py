"""Small made-up runs for the tests of the report, written through the real store; a web server on this machine."""

import re
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from lic_bench import cli
from lic_bench.fetch import http_requests
from lic_bench.measurement import reference_workload
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run, Store
from lic_bench.system import stop_signals

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
    made: Mapping[str, Any] | None = None,
    pictures: str = "",
    warnings: Sequence[str] = (),
) -> Run:
    """A run in which codec c needs codecs[c] times the bits of LADDER; qualities count from 1.

    failing: (codec, quality, image). weights: codec -> its `weights` field; those codecs get complexity records.
    made: the `mode` and `encoder_version` of all records. pictures: others give the images other hashes.
    """
    info = {
        "config": {"codecs": list(codecs), "datasets": [dataset], "limit": None, "quick": False, "crop": None},
        "environment": {"cpu": "Example CPU", "gpu": {"name": "Example GPU"} if device != "cpu" else None},
        "fingerprint": {"cpu": "Example CPU"},
        "warnings": list(warnings),
    }
    store = Store(folder, info)
    for codec, factor in codecs.items():
        for row in _records(codec, factor, dataset, images, size, (weights or {}).get(codec), failing, device):
            digest = sha256(f"{pictures}/{row.image}".encode()).hexdigest()
            store.records.append(replace(row, image_sha256=digest, **(made or {})))
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


@dataclass
class Reply:
    """What the server gives at one address. breaks: bytes after which it hangs up, one entry per request."""

    body: bytes
    content_type: str = "application/octet-stream"
    status: int = 200
    breaks: list[int] = field(default_factory=list)


class Web(ThreadingHTTPServer):
    """replies: by path with query, or by path alone. requests: what it was asked, (path with query, Range header)."""

    Reply = Reply

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.replies: dict[str, Reply] = {}
        self.requests: list[tuple[str, str | None]] = []

    def asked(self) -> list[str]:
        return [path for path, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        web: Any = self.server
        asked = self.headers.get("Range")
        web.requests.append((self.path, asked))
        reply = web.replies.get(self.path) or web.replies.get(urlsplit(self.path).path)
        if reply is None:
            return self.send_error(404)
        whole = re.fullmatch(r"bytes=(\d+)-", asked or "") if self.headers.get("If-Range") == '"mark"' else None
        start = int(whole[1]) if whole else 0
        self.send_response(206 if start else reply.status)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(reply.body) - 1}/{len(reply.body)}")
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body) - start))
        self.send_header("ETag", '"mark"')
        self.end_headers()
        self.wfile.write(reply.body[start:][: reply.breaks.pop(0) if reply.breaks else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True, scope="session")
def _small_reference_workload() -> Iterator[None]:
    """A twentieth of the usual one, for runs in this process: it took half of the time of a run with times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(reference_workload.CONVOLUTION, "cpu", (32, 48, 1))
        patch.setattr(reference_workload, "SYMBOLS", 5_000)
        yield


@pytest.fixture
def exit_code(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Exit code of `lic-bench arguments`, in this process."""

    def call(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["lic-bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return call


@pytest.fixture
def command_line(
    exit_code: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Exit code, stdout and stderr of `lic-bench arguments`, in this process."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = exit_code(*arguments)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A web server on this machine, without pauses between attempts."""
    monkeypatch.setattr(http_requests, "PAUSE_S", 0.001)
    monkeypatch.setattr(http_requests, "TIMEOUT_S", 5.0)
    with Web() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def _plugins_forgotten() -> Iterator[None]:
    from lic_bench.codecs import registry

    plugins = registry._plugins
    before = dict(plugins)
    yield
    added = {spec.load.partition(".")[0] for name, spec in plugins.items() if name not in before}
    for name in [name for name in sys.modules if name.partition(".")[0] in added]:
        del sys.modules[name]
    plugins.clear()
    plugins.update(before)


@pytest.fixture(autouse=True, scope="module")
def plugins_as_before_module() -> Iterator[None]:
    """What the fixtures of a module register is gone after it."""
    with _plugins_forgotten():
        yield


@pytest.fixture(autouse=True)
def plugins_as_before() -> Iterator[None]:
    """What a test registers is gone after it, its modules too: the next test may have another plugin of that name."""
    with _plugins_forgotten():
        yield


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    """--threads sets them for the whole process; two took 15 times as long for tiny tensors on a busy machine."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    yield
    if torch:
        torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """The command line, called within a test, has its own way to end; pytest keeps the usual one."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    stop_signals.forget()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The codec `scripted`, whose coder is another program, with a cache of its own; the log of its encodings."""
    from lic_bench.codecs import registry

    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.setenv("LIC_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SCRIPTED_LOG", str(tmp_path / "encodes.log"))
    registry.add_plugin(Path(__file__).parent.parent / "plugins" / "scripted")
    return tmp_path / "encodes.log"
