"""A decoder in a process of its own, which has nothing but the bytes."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lic_bench.codecs.registry import add_plugin, resolve_codec
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image
from lic_bench.measurement.failures import CodecFailure
from lic_bench.run import codec_process
from lic_bench.run.codec_process import CodecProcess
from lic_bench.run.codec_worker import CodecWorker
from lic_bench.run.process_pair import ProcessPair
from lic_bench.run.session import at_work
from lic_bench.run.worker_interface import CodecSetup

PLUGINS = Path(__file__).parents[2] / "plugins"
FAILS, GREY = 1, 2


@pytest.fixture(scope="module")
def image() -> Image:
    return find_dataset("sample", None, limit=1, crop=64).images[0]


def setup(name: str) -> CodecSetup:
    spec = resolve_codec(name) if name == "jpeg" else add_plugin(PLUGINS / name)[0]
    return CodecSetup(spec=spec, device="cpu", parts=frozenset(["quality"]), threads=1)


@pytest.fixture(scope="module")
def keeps() -> Iterator[ProcessPair]:
    with closing(ProcessPair(setup("keeps"))) as pair:
        yield pair


def test_what_a_codec_keeps_in_its_process_is_no_bitstream(keeps: ProcessPair, image: Image) -> None:
    with pytest.raises(CodecFailure, match="from the bytes alone, in a process that never had the image") as caught:
        keeps.code(GREY, image)
    assert caught.value.kind == "out_of_sync"
    with pytest.raises(CodecFailure, match="decoding from the bytes alone: KeyError"):
        keeps.code(FAILS, image)
    here = CodecWorker(setup("keeps")).code(GREY, image)  # where the check cannot be made the record does not claim it
    assert (here.fields["decoder"], here.fields["mse_8bit"]) == ("instance", 0)


def test_a_good_codec_is_measured_as_elsewhere_and_its_record_says_which_check_was_made(image: Image) -> None:
    with closing(ProcessPair(setup("jpeg"))) as pair:
        pair.open()
        pair.ready()
        there = pair.code(50, image).fields
        processes = {pair.coder.pid, pair.decoder.pid}
        assert len(processes) == 2
        pair.release()
    assert not any(map(psutil.pid_exists, processes))
    assert there == CodecWorker(setup("jpeg")).code(50, image).fields | {"decoder": "process"}


def test_an_image_that_does_not_fit_into_both_processes_is_said_beforehand(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lic_bench.measurement.verified_coding.free_memory_bytes", lambda: 70 * 64 * 64)
    with closing(ProcessPair(setup("jpeg"))) as pair:
        with pytest.raises(CodecFailure, match="out of memory, not tried: an image of 64x64 pixels takes"):
            pair.code(50, image)
        assert pair.coder.pid == 0  # nothing was started


def test_the_ends_of_a_decoder_count(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec_process, "CRASHES", 1)
    (spec,) = add_plugin(PLUGINS / "sleeper")
    crashes_at = 105
    with closing(ProcessPair(replace(setup("keeps"), spec=spec))) as pair:
        with pytest.raises(CodecFailure, match="decoding from the bytes alone: its process was ended by SIGSEGV"):
            pair.code(crashes_at, image)
        with pytest.raises(CodecFailure, match="not tried: 1 images before ended"):
            pair.code(crashes_at, image)


@pytest.mark.parametrize(
    ("isolate", "parts", "kind"),
    [(False, {"quality"}, CodecWorker), (True, {"quality", "latency"}, ProcessPair), (True, {"latency"}, CodecProcess)],
)
def test_who_works(isolate: bool, parts: set[str], kind: type) -> None:
    with at_work([replace(setup("jpeg"), parts=frozenset(parts))], isolate=isolate) as workers:
        assert type(workers["jpeg"]) is kind
