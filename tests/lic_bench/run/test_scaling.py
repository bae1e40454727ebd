"""Scaling runs: sizes, pictures, one codec after the other, and the limit of memory, on a codec with a known one."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.codecs import registry
from lic_bench.codecs.registry import resolve_codec
from lic_bench.errors import UserError
from lic_bench.images.image_file import pixels_sha256, read_image
from lic_bench.measurement.complexity import failed_complexity
from lic_bench.measurement.failures import Failure
from lic_bench.report.frames.scaling import GIB, scaling_frames
from lic_bench.run import scaling as scale
from lic_bench.run import settings
from lic_bench.run.counting import count_at_sizes
from lic_bench.run.jobs import Job
from lic_bench.run.options import Options
from lic_bench.run.session import Outcome
from lic_bench.spec import CodecSpec, Padding
from lic_bench.store.record_log import RecordLog
from lic_bench.store.records import Complexity, Record
from lic_bench.store.run_folder import Run, Store
from lic_bench.store.run_json import read_run_json

PLUGINS = Path(__file__).parents[2] / "plugins"
SIZES = "32,64,96,128"
BYTES_PER_PIXEL = 1024  # of the hungry codec
LARGEST = 70  # of the hungry codec: it fits two of the SIZES
SHORT = {"warm_up_s": 0.02, "budget_s": 0.02, "again": 0}
Go = Callable[..., tuple[Outcome, list[str]]]


class Listener:
    """Remembers what began, in order."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def started(self, jobs: object, done: int) -> None:
        pass

    def working(self, text: str) -> None: ...

    def job(self, job: Job) -> None:
        self.order.append(f"{job.spec.name} {job.image.name}")

    def record(self, job: Job, record: Record, seconds: float) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@pytest.fixture(scope="module", autouse=True)
def plugins() -> Iterator[None]:
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(registry, "_plugins", {})
        monkeypatch.setattr(settings, "QUICK", SHORT)
        for name in ("fake", "broken", "hungry"):
            registry.add_plugin(PLUGINS / name)
        yield
    torch.set_num_threads(before)


def go(out: Path, codecs: str = "hungry", sizes: str = SIZES, **changes: object) -> tuple[Outcome, list[str]]:
    listener = Listener()
    options = Options(codecs=codecs, out=out, device="cpu", isolate=False, quick=True, repeats=1)
    options = replace(options, **({"qualities": (f"hungry={LARGEST}",)} | changes))
    return scale.run(options, sizes, listener), listener.order


@pytest.fixture(scope="module")
def original(plugins: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scale") / "run"
    go(folder)
    return folder


@pytest.fixture
def measured(original: Path, tmp_path: Path) -> Path:
    """A finished run, to do with as a test likes."""
    return Path(shutil.copytree(original, tmp_path / "run"))


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("256:2048", (256, 512, 1024, 2048)),
        ("128:384", (128, 256, 384)),
        ("256,384,512", (256, 384, 512)),
        ("512, 256,512", (256, 512)),
        ("64,256:512", (64, 256, 512)),
        ("7", (7,)),
        ("7:7", (7,)),
    ],
)
def test_sizes_are_read_as_lists_and_doublings(text: str, sides: tuple[int, ...]) -> None:
    assert scale.parse_sizes(text) == sides


@given(first=st.integers(1, scale.MOST), last=st.integers(1, scale.MOST))
def test_a_range_doubles_from_its_start_and_has_both_ends(first: int, last: int) -> None:
    first, last = sorted((first, last))
    sides = scale.parse_sizes(f"{first}:{last}")
    assert (sides[0], sides[-1]) == (first, last)
    assert all(after == 2 * before for before, after in pairwise(sides[:-1]))
    assert sides[-1] <= 2 * (sides[-2] if len(sides) > 1 else last)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--sizes is empty"),
        ("big", "'big' is no number; write 256,512 or 256:2048"),
        ("256:", "'' is no number"),
        ("256:512:1024", "'512:1024' is no number"),
        ("0", "0 is no side; allowed is 1 to 8192"),
        ("-4,8", "-4 is no side"),
        ("100000", "100000 is no side"),
        ("512:256", "write the smaller side first: 256:512"),
        ("1.5", "'1.5' is no number"),
    ],
)
def test_sizes_that_are_none_are_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        scale.parse_sizes(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_pictures_have_their_sizes_and_are_the_same_every_time(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    one, other = (scale.make_pictures((8, 40), tmp_path / folder) for folder in ("one", "other"))
    assert [image.sha256 for image in one.images] == [image.sha256 for image in other.images]
    for side, image in zip((8, 40), one.images, strict=True):
        pixels = read_image(image)
        assert image.name == f"{side}x{side}"
        assert pixels.shape == (side, side, 3)
        assert pixels_sha256(pixels) == image.sha256
        assert np.ptp(pixels) > 50


def test_a_folder_that_takes_no_pictures_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="TMPDIR"):
        scale.make_pictures((8,), tmp_path / "missing")


def learned(multiple: int | None) -> CodecSpec:
    padding = Padding(multiple=multiple) if multiple else None
    return CodecSpec(name="net", label="Net", kind="learned", load="x:y", qualities=(1,), padding=padding)


@pytest.mark.parametrize(
    ("multiple", "sides", "counted"),
    [
        (None, (100, 200, 300), (100, 200, 300)),
        (64, (100, 120, 200, 300), (128, 256, 320)),
        (128, (256, 512, 1024, 2048, 4096), (256, 512, 1024)),
        (64, (512, 2048, 4096, 8192), (512, 2048, 4096)),
    ],
)
def test_operations_are_counted_where_that_is_cheap(
    multiple: int | None, sides: tuple[int, ...], counted: tuple[int, ...]
) -> None:
    assert scale.counted_at(learned(multiple), sides) == [(side, side) for side in counted]


def test_a_codec_without_a_network_is_not_counted() -> None:
    assert scale.counted_at(resolve_codec("hungry"), (64, 128)) == []


def test_a_codec_is_measured_until_it_runs_out_of_memory(measured: Path) -> None:
    frame = Run(measured).records
    assert frame.image.tolist() == ["32x32", "64x64", "96x96", "128x128"]
    assert frame.status.tolist() == ["ok", "ok", "failed", "failed"]
    assert frame.error[2].startswith("out of memory: ")
    assert frame.error[3] == "not tried: out of memory at a smaller size"
    assert (frame.dataset == "scale").all()
    for row in frame[:2].to_dict("records"):
        assert row["encode_s"]
        assert row["decode_s"]
        assert row["canary_s"]
        assert "encode_rss_growth" in row["peak_memory_bytes"]
    config = Run(measured).info["config"]
    assert config["sizes"] == [32, 64, 96, 128]
    assert (config["crop"], config["limit"], config["qualities"]) == (None, None, {"hungry": [LARGEST]})


def test_limits_are_told_from_failures(tmp_path: Path) -> None:
    outcome, _ = go(
        tmp_path / "run", codecs="hungry,broken", sizes="32,96", qualities=(f"hungry={LARGEST}", "broken=1")
    )
    assert [(row.codec, row.image, scale.is_limit(row)) for row in outcome.failed] == [
        ("hungry", "96x96", True),
        ("broken", "32x32", False),
        ("broken", "96x96", False),
    ]


def test_the_same_command_measures_nothing_again(measured: Path) -> None:
    before = (measured / "records.jsonl").read_bytes()
    outcome, order = go(measured)
    assert (outcome.stored, len(outcome.failed), order) == (0, 2, [])
    assert (measured / "records.jsonl").read_bytes() == before


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_run_that_was_killed_goes_on_upward_and_not_beyond_a_stored_limit(measured: Path, kept: int) -> None:
    path = measured / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:kept]))
    _, order = go(measured)
    rest = ["hungry 64x64", "hungry 96x96", "hungry 128x128"][kept - 1 :]
    assert order == (rest if kept < 3 else [])
    assert Run(measured).records.status.tolist()[:3] == ["ok", "ok", "failed"]
    assert path.read_bytes().startswith(b"".join(lines[:kept]))


def test_retry_failed_looks_for_the_limit_again(measured: Path) -> None:
    _, order = go(measured, retry_failed=True)
    assert order == ["hungry 96x96", "hungry 128x128"]
    assert len(Run(measured).records) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is exact on Linux only")
def test_memory_grows_as_the_codec_says(tmp_path: Path) -> None:
    go(tmp_path / "run", sizes="128,256,384", qualities=("hungry=1000",), isolate=True)
    found = scaling_frames([Run(tmp_path / "run")])
    (fit,) = found.fits[found.fits.quantity == "memory_encode"].fit
    assert fit.line.b == pytest.approx(1e6 * BYTES_PER_PIXEL, rel=0.05)
    assert fit.line.r2 > 0.99
    assert fit.best.reaches(8 * GIB) == pytest.approx(8 * GIB / 1e6 / BYTES_PER_PIXEL, rel=0.05)
    assert found.limits.empty


def test_codecs_are_measured_one_after_the_other(tmp_path: Path) -> None:
    outcome, order = go(tmp_path / "run", codecs="fake,hungry", sizes="16,32")
    assert order == ["fake 16x16", "fake 32x32", "hungry 16x16", "hungry 32x32"]
    assert (outcome.stored, outcome.failed) == (4, [])
    assert Run(tmp_path / "run").info["config"]["qualities"] == {"fake": [4], "hungry": [LARGEST]}  # fake: the middle


@pytest.mark.parametrize(("retry_failed", "sides"), [(False, [32, 64]), (True, [32, 64, 96, 128])])
def test_operations_are_counted_only_below_the_size_at_which_memory_ran_out(
    measured: Path, retry_failed: bool, sides: list[int]
) -> None:
    """The size 96 is the limit that `measured` found."""
    counted: list[int] = []

    class Counter:
        def count_operations(self, quality: int, size: tuple[int, int]) -> list[Complexity]:
            counted.append(size[0])
            return []

    config = Run(measured).info["config"]
    found = SimpleNamespace(
        config=SimpleNamespace(qualities={"hungry": (LARGEST,)}),
        counted={"hungry": [(side, side) for side in config["sizes"]]},
        one_by_one=True,
    )
    store: Any = SimpleNamespace(
        records=RecordLog(measured / "records.jsonl", Record), complexity=SimpleNamespace(failed={}, rows={})
    )
    options = Options(codecs="hungry", out=measured, retry_failed=retry_failed)
    spec = replace(resolve_codec("hungry"), kind="learned")
    count_at_sizes(spec, cast(Any, found), cast(Any, Counter()), store, options, lambda text: None)
    assert counted == sides


def test_a_run_on_images_does_not_go_into_a_scaling_run(measured: Path, tmp_path: Path) -> None:
    stored = read_run_json(measured / "run.json")
    on_images = stored | {"config": stored["config"] | {"sizes": [], "datasets": ["kodak"]}}
    with pytest.raises(UserError, match=r"sizes was \[.*now \[\]"):
        Store(measured, on_images)


def test_several_qualities_of_a_codec_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"2 of 'hungry' \(64, 200\).*--qualities hungry=200"):
        go(tmp_path / "run", qualities=("hungry=64,200",))
    assert not (tmp_path / "run").exists()


def test_repeats_below_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--repeats 0: at least 1"):
        go(tmp_path / "run", repeats=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("error", "limit"), [(MemoryError("9 bytes"), True), (ValueError("9 bytes"), False)])
def test_counting_that_has_no_memory_is_a_limit(error: Exception, limit: bool) -> None:
    for row in failed_complexity("net", 1, 8, 8, Failure.of(error)):
        assert scale.is_limit(row) == limit


def test_a_network_is_counted_at_every_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "small_networks.py"
    module.write_text(
        "from compressai.models import FactorizedPrior\n\n\ndef small():\n    return FactorizedPrior(N=4, M=6)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    name = "small_networks:small:padding=16"
    outcome, _ = go(tmp_path / "run", codecs=name, sizes="16,30,64", qualities=())
    assert (outcome.failed, outcome.failed_complexity) == ([], [])
    rows = Run(tmp_path / "run").complexity
    macs = rows[(rows.counter == "exact") & (rows.path == "forward")].set_index("width").macs
    assert sorted(macs.index) == [16, 32, 64]
    assert macs[32] == 4 * macs[16]
    assert macs[64] == 16 * macs[16]
    assert (Run(tmp_path / "run").records.weights == "random").all()
