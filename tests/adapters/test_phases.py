"""The phases that our learned codecs declare: all are entered, and no layer runs outside of them."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lic_bench.codecs.registry import find_codecs, load_target
from lic_bench.measurement.phase_timeline import Timeline
from lic_bench.measurement.phase_times import find_phase_calls, measure_phases, record_phases
from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL

CPU = torch.device("cpu")
HOME = ("adapters.", "lalic.")
LEARNED = [name for name, spec in find_codecs().items() if spec.kind == "learned" and spec.load.startswith(HOME)]
LAYERS = ("convolution", "mm", "addmm", "bmm", "baddbmm")


class Watch(TorchDispatchMode):
    """Notes in which phase each convolution and matrix product runs."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in LAYERS:
            self.seen.append(self.line.now)
        return func(*args, **(kwargs or {}))


@pytest.fixture(params=LEARNED)
def codec(request):
    """A small network, its declaration, and its two calls."""
    spec = find_codecs()[request.param]
    network = load_target(spec.small)()
    network.update(force=True)
    side = max(128, spec.padding.multiple)
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        coded = network.compress(x)
        yield (
            network,
            spec.phases,
            {
                "encode": lambda: network.compress(x),
                "decode": lambda: network.decompress(coded["strings"], coded["shape"]),
            },
        )


def test_every_phase_is_entered_and_every_layer_is_in_one(codec):
    network, declared, calls = codec
    assert declared
    entered = {}
    for operation, call in calls.items():
        line = Timeline(CPU)
        with record_phases(find_phase_calls(network, declared), line), line, Watch(line) as watch:
            call()
        assert len(watch.seen) > 10
        assert None not in watch.seen, f"{watch.seen.count(None)} of {len(watch.seen)} layers are in no phase"
        entered[operation] = set(line.seconds())
    slices = {name for name in entered["decode"] if name.startswith("context")}
    assert slices
    assert entered["encode"] >= {"g_a", "h_a", "h_s", ENTROPY_CODER, *slices}
    assert entered["decode"] == {"h_s", "g_s", ENTROPY_CODER, OTHER, *slices} | (entered["decode"] & {COPIES})
    stems = {name.rstrip(" 0123456789") for name in set.union(*entered.values())}
    assert stems - {ENTROPY_CODER, COPIES, OTHER} == {phase.rstrip(" *#") for phase in declared}


def test_strings_are_the_same_while_phases_are_taken(codec):
    network, declared, calls = codec
    before, coded = calls["encode"](), {}
    found = measure_phases(lambda: coded.update(calls["encode"]()), network, declared, CPU)
    assert coded["strings"] == before["strings"]
    assert found.pop(TOTAL) == sum(found.values())
