"""A codec at work in this process: its turns, its one quality in memory, its errors in words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lic_bench.codecs.registry import add_plugin, resolve_codec
from lic_bench.errors import UserError
from lic_bench.images.datasets import find_dataset
from lic_bench.images.image_file import Image
from lic_bench.measurement.failures import describe
from lic_bench.measurement.stopwatch import Effort
from lic_bench.run.codec_worker import Bench, Recipe

PLUGINS = Path(__file__).parents[2] / "plugins"
TIMES = frozenset(["quality", "latency", "phases"])


@pytest.fixture
def image() -> Image:
    return find_dataset("sample", None, limit=1, crop=64).images[0]


def sleeper(**changes: Any) -> Bench:
    (spec,) = add_plugin(PLUGINS / "sleeper")
    effort = Effort(repeats=2, warm_up_s=0.1, budget_s=0.2)
    return Bench(replace(Recipe(spec=spec, device="cpu", parts=TIMES, effort=effort), **changes))


def test_a_slow_codec_has_one_sample_a_turn_and_it_is_the_sleep(image: Image) -> None:
    bench = sleeper()
    bench.code(40, image)
    ((encode_s, decode_s),) = bench.turn()
    assert encode_s >= 0.04
    assert decode_s >= 0.08


def test_a_fast_codec_has_several_samples_a_turn(image: Image) -> None:
    bench = sleeper(effort=Effort(visit_s=10))
    bench.code(1, image)
    bench.warm_up()
    turn = bench.turn()
    assert 1 < len(turn) <= Effort().per_turn
    assert all(encode_s >= 0.001 and decode_s >= 0.002 for encode_s, decode_s in turn)


@pytest.mark.parametrize(("warmed_s", "calls"), [(0.2, 2), (0.02, 1)])
def test_caches_are_warm_before_each_sample_unless_that_takes_long(image: Image, warmed_s: float, calls: int) -> None:
    bench = sleeper(effort=Effort(warmed_s=warmed_s))
    bench.code(20, image)
    bench.warm_up()
    before = codec_calls(bench)
    assert len(bench.turn()) == 1
    assert codec_calls(bench) - before == calls


def test_the_warm_up_is_done_once_per_quality_and_size(image: Image) -> None:
    bench = sleeper()

    def calls() -> int:
        before = codec_calls(bench)
        bench.warm_up()
        return codec_calls(bench) - before

    bench.code(1, image)
    assert calls() >= 2
    assert calls() == 0
    bench.code(2, image)
    assert calls() >= 2
    bench.code(2, find_dataset("sample", None, limit=1, crop=32).images[0])
    assert calls() >= 2


@pytest.mark.parametrize("step", ["warm_up", "turn"])
def test_no_sample_pays_for_memory_that_was_given_back(image: Image, step: str) -> None:
    bench = sleeper(effort=Effort(warmed_s=0, visit_s=0))
    bench.code(1, image)
    bench.warm_up()

    def calls() -> int:
        before = codec_calls(bench)
        getattr(bench, step)()
        return codec_calls(bench) - before

    usual = calls()
    bench.device = torch.device("cuda")
    bench.release()
    bench.device = torch.device("cpu")
    assert [calls(), calls()] == [usual + 1, usual]
    bench.release()
    assert calls() == usual, "a CPU's memory is not given back"


@pytest.mark.gpu
@pytest.mark.parametrize(("parts", "untimed"), [(TIMES, 0), (TIMES | {"memory"}, 1)])
def test_an_image_whose_memory_was_taken_is_coded_untimed(parts: frozenset[str], untimed: int) -> None:
    spec = replace(resolve_codec("elic"), load=str(resolve_codec("elic").small), arguments=())
    bench = Bench(Recipe(spec=spec, device="cuda", parts=parts))
    for picture in find_dataset("sample", None, limit=2, crop=64).images:
        bench.code(1, picture)
        codec: Any = bench._pair(1).encoder.codec
        calls: list[int] = []
        codec.module.g_a.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        bench.warm_up()
    assert len(calls) == untimed


def codec_calls(bench: Bench) -> int:
    codec: Any = bench._pair(bench._quality).encoder.codec
    return int(codec.calls)


def test_one_quality_is_in_memory(image: Image) -> None:
    bench = sleeper()
    for quality in (1, 2):
        bench.code(quality, image)
    assert list(bench._pairs) == [2]
    bench.close()
    assert not bench._pairs


def test_phases_of_a_network_add_up_to_its_total(image: Image) -> None:
    spec = replace(resolve_codec("elic"), load=str(resolve_codec("elic").small), arguments=())
    bench = Bench(Recipe(spec=spec, device="cpu", parts=TIMES, effort=Effort(repeats=2)))
    bench.code(1, image)
    phases = bench.phases()
    for operation in ("encode", "decode"):
        mine = {name: seconds for name, seconds in phases.items() if name.startswith(f"{operation}/")}
        total = mine.pop(f"{operation}/total")
        assert len(total) == 2
        assert sum(torch.tensor(seconds) for seconds in mine.values()).tolist() == pytest.approx(total)
    assert {"encode/g_a", "decode/g_s", "decode/entropy coder"} <= phases.keys()
    assert "decode/g_a" not in phases


def test_a_codec_without_a_network_has_no_phases(image: Image) -> None:
    bench = sleeper()
    bench.code(1, image)
    assert bench.phases() == {}


def test_operations_are_counted_on_a_network_of_its_own(image: Image) -> None:
    spec = replace(resolve_codec("elic"), load=str(resolve_codec("elic").small), arguments=())
    bench = Bench(Recipe(spec=spec, device="cpu", parts=TIMES))
    bench.code(1, image)
    module: Any = bench._pair(1).encoder.codec
    before = {name: len(m._forward_hooks) for name, m in module.module.named_modules()}
    rows = bench.complexity(1, (64, 64))
    assert {row.path for row in rows} == {"forward", "encode", "decode"}
    assert {row.status for row in rows} == {"ok"}
    assert before == {name: len(m._forward_hooks) for name, m in module.module.named_modules()}


def test_a_call_without_an_engine_for_want_of_memory_is_said_as_such(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = sleeper()
    bench.code(1, image)
    refusals = iter((1, 8))
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda _: {"num_ooms": next(refusals)})

    def no_engine() -> None:
        raise RuntimeError("GET was unable to find an engine to execute this computation")

    monkeypatch.setattr(bench, "_sample", lambda warmed: no_engine())
    bench.device = torch.device("cuda")
    with pytest.raises(torch.OutOfMemoryError) as caught:
        bench.turn()
    assert describe(caught.value).startswith("out of memory: GET was unable to find an engine")


def test_an_exception_is_one_line_of_bounded_length() -> None:
    assert describe(ValueError("two\n  lines")) == "ValueError: two lines"
    assert describe(KeyError()) == "KeyError: KeyError"
    assert len(describe(RuntimeError("x" * 9999))) == 500
    assert describe(UserError("written for users")) == "written for users"
    assert describe(MemoryError()) == "out of memory: MemoryError"
