"""A codec at work in this process: its turns, its one quality in memory, its errors in words."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from lic_bench.codecs.registry import add_plugin, resolve_codec
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image
from lic_bench.measurement.failures import Failure
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.codec_worker import CodecWorker
from lic_bench.run.local_image import LocalImage
from lic_bench.run.worker_interface import CodecSetup

PLUGINS = Path(__file__).parents[2] / "plugins"
TIMES = frozenset(["quality", "latency", "phases"])


@pytest.fixture
def image() -> Image:
    return find_dataset("sample", None, limit=1, crop=64).images[0]


def sleeper(**changes: Any) -> CodecWorker:
    (spec,) = add_plugin(PLUGINS / "sleeper")
    effort = Effort(repeats=2, warm_up_s=0.1, budget_s=0.2)
    return CodecWorker(replace(CodecSetup(spec=spec, device="cpu", parts=TIMES, effort=effort), **changes))


def test_a_slow_codec_has_one_sample_a_turn_and_it_is_the_sleep(image: Image) -> None:
    worker = sleeper()
    ((encode_s, decode_s),) = worker.code(40, image).turn()
    assert encode_s >= 0.04
    assert decode_s >= 0.08


def test_a_fast_codec_has_several_samples_a_turn(image: Image) -> None:
    worker = sleeper(effort=Effort(visit_s=10))
    coded = worker.code(1, image)
    coded.warm_up()
    turn = coded.turn()
    assert 1 < len(turn) <= Effort().per_turn
    assert all(encode_s >= 0.001 and decode_s >= 0.002 for encode_s, decode_s in turn)


@pytest.mark.parametrize(("warmed_s", "calls"), [(0.2, 2), (0.02, 1)])
def test_caches_are_warm_before_each_sample_unless_that_takes_long(image: Image, warmed_s: float, calls: int) -> None:
    worker = sleeper(effort=Effort(warmed_s=warmed_s))
    coded = worker.code(20, image)
    coded.warm_up()
    before = codec_calls(coded)
    assert len(coded.turn()) == 1
    assert codec_calls(coded) - before == calls


def test_the_warm_up_is_done_once_per_quality_and_size(image: Image) -> None:
    worker = sleeper()

    def calls(coded: LocalImage) -> int:
        before = codec_calls(coded)
        coded.warm_up()
        return codec_calls(coded) - before

    first = worker.code(1, image)
    assert calls(first) >= 2
    assert calls(first) == 0
    assert calls(worker.code(2, image)) >= 2
    assert calls(worker.code(2, find_dataset("sample", None, limit=1, crop=32).images[0])) >= 2


@pytest.mark.parametrize("step", ["warm_up", "turn"])
def test_no_sample_pays_for_memory_that_was_given_back(image: Image, step: str) -> None:
    worker = sleeper(effort=Effort(warmed_s=0, visit_s=0))
    coded = worker.code(1, image)
    coded.warm_up()

    def calls() -> int:
        before = codec_calls(coded)
        getattr(coded, step)()
        return codec_calls(coded) - before

    usual = calls()
    worker.device = torch.device("cuda")
    worker.release()
    worker.device = torch.device("cpu")
    assert [calls(), calls()] == [usual + 1, usual]
    worker.release()
    assert calls() == usual, "a CPU's memory is not given back"


@pytest.mark.gpu
@pytest.mark.parametrize(("parts", "untimed"), [(TIMES, 0), (TIMES | {"memory"}, 1)])
def test_an_image_whose_memory_was_taken_is_coded_untimed(parts: frozenset[str], untimed: int) -> None:
    spec = replace(resolve_codec("elic"), load=str(resolve_codec("elic").small), arguments=())
    worker = CodecWorker(CodecSetup(spec=spec, device="cuda", parts=parts))
    for picture in find_dataset("sample", None, limit=2, crop=64).images:
        coded = worker.code(1, picture)
        codec: Any = worker.pair(1).encoder.codec
        calls: list[int] = []
        codec.module.g_a.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        coded.warm_up()
    assert len(calls) == untimed


def codec_calls(coded: LocalImage) -> int:
    codec: Any = coded.worker.pair(coded.quality).encoder.codec
    return int(codec.calls)


def test_one_quality_is_in_memory(image: Image) -> None:
    worker = sleeper()
    for quality in (1, 2):
        worker.code(quality, image)
    assert list(worker._pairs) == [2]
    worker.close()
    assert not worker._pairs


def test_phases_of_a_network_add_up_to_its_total(image: Image) -> None:
    spec = replace(resolve_codec("elic"), load=str(resolve_codec("elic").small), arguments=())
    worker = CodecWorker(CodecSetup(spec=spec, device="cpu", parts=TIMES, effort=Effort(repeats=2)))
    phases = worker.code(1, image).phases()
    for operation in ("encode", "decode"):
        mine = {name: seconds for name, seconds in phases.items() if name.startswith(f"{operation}/")}
        total = mine.pop(f"{operation}/total")
        assert len(total) == 2
        assert sum(torch.tensor(seconds) for seconds in mine.values()).tolist() == pytest.approx(total)
    assert {"encode/g_a", "decode/g_s", "decode/entropy coder"} <= phases.keys()
    assert "decode/g_a" not in phases


def test_a_phase_that_a_call_does_not_enter_takes_no_time_of_it(image: Image) -> None:
    """As of a network that does a part of its work in the first call only."""
    spec = replace(resolve_codec("elic"), load=str(resolve_codec("elic").small), arguments=())
    worker = CodecWorker(CodecSetup(spec=spec, device="cpu", parts=TIMES, effort=Effort(repeats=3, budget_s=60)))
    coded = worker.code(1, image)
    module = worker.pair(1).encoder.codec.module
    compress, coded_once = module.compress, cache(lambda: compress(torch.rand(1, 3, 64, 64)))
    module.compress = lambda x: coded_once()
    phases = coded.phases()
    assert phases["encode/g_a"][0] > 0
    assert phases["encode/g_a"][1:] == [0.0, 0.0]
    assert {len(seconds) for seconds in phases.values()} == {3}


def test_a_codec_without_a_network_has_no_phases(image: Image) -> None:
    worker = sleeper()
    assert worker.code(1, image).phases() == {}


def test_operations_are_counted_on_a_network_of_its_own(image: Image) -> None:
    spec = replace(resolve_codec("elic"), load=str(resolve_codec("elic").small), arguments=())
    worker = CodecWorker(CodecSetup(spec=spec, device="cpu", parts=TIMES))
    worker.code(1, image)
    module: Any = worker.pair(1).encoder.codec
    before = {name: len(m._forward_hooks) for name, m in module.module.named_modules()}
    rows = worker.count_operations(1, (64, 64))
    assert {row.path for row in rows} == {"forward", "encode", "decode"}
    assert {row.status for row in rows} == {"ok"}
    assert before == {name: len(m._forward_hooks) for name, m in module.module.named_modules()}


def test_a_call_without_an_engine_for_want_of_memory_is_said_as_such(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = sleeper()
    coded = worker.code(1, image)
    refusals = iter((1, 8))
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda _: {"num_ooms": next(refusals)})

    def no_engine() -> None:
        raise RuntimeError("GET was unable to find an engine to execute this computation")

    monkeypatch.setattr(LocalImage, "_sample", lambda self, warmed: no_engine())
    worker.device = torch.device("cuda")
    with pytest.raises(torch.OutOfMemoryError) as caught:
        coded.turn()
    assert Failure.of(caught.value).message.startswith("out of memory: GET was unable to find an engine")
