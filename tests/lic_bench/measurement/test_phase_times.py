"""Phases of one call: what is declared is found, adds up to the total, and leaves the network as it was."""

import pytest
import torch
from torch import nn

from lic_bench.errors import UserError
from lic_bench.measurement.phase_times import find_phase_calls, measure_phases
from lic_bench.phase_marks import COPIES, ENTROPY_CODER, OTHER, TOTAL, mark

CPU = torch.device("cpu")
ALWAYS = {ENTROPY_CODER, COPIES, OTHER, TOTAL}


class Context(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def step(self, x, index):
        return self.steps[index].weight @ x.flatten()[:4]


class Network(nn.Module):
    """g_a, a context of slices in which the coder works, g_s that may fail."""

    def __init__(self):
        super().__init__()
        self.g_a = nn.Linear(4, 4)
        self.context = Context()
        self.inner = nn.Module()
        self.inner.g_s = nn.Linear(4, 4)
        self.fails = False

    def run(self, x):
        x = self.g_a(x)
        for index, step in enumerate(self.context.steps):
            x = step(x)
            with mark(COPIES):
                x.tolist()
            with mark(ENTROPY_CODER):
                self.context.step(x, index)
        if self.fails:
            raise RuntimeError("out of memory")
        return self.inner.g_s(x)


@pytest.fixture
def network():
    return Network().eval()


def times(network, declared):
    return measure_phases(lambda: network.run(torch.ones(4)), network, declared, CPU)


def hooks(network):
    return [
        *(h for m in network.modules() for h in (*m._forward_hooks, *m._forward_pre_hooks)),
        *(name for m in network.modules() for name, value in vars(m).items() if callable(value) and name == "step"),
    ]


def test_phases_add_up_to_the_total(network):
    found = times(network, {"g_a": ("g_a",), "context *": ("context.steps.*",), "g_s": ("inner.g_s",)})
    assert found.keys() == ALWAYS | {"g_a", "g_s", "context 0", "context 1", "context 2"}
    assert all(seconds >= 0 for seconds in found.values())
    assert found.pop(TOTAL) == sum(found.values())
    assert min(found[name] for name in ("g_a", "g_s", COPIES, ENTROPY_CODER)) > 0


def test_methods_are_phases_too_and_calls_are_counted(network):
    declared = {"context #": ("context.step",), "all": ("run",)}
    found = times(network, declared)
    assert found.keys() == ALWAYS | {"context 0", "context 1", "context 2", "all"}
    assert not hooks(network)
    assert network.context.step.__func__ is Context.step


def test_a_submodule_belongs_to_the_phase_that_names_it_first(network):
    found = times(network, {"first": ("context.steps.1",), "context *": ("context.steps.*",)})
    assert found.keys() == ALWAYS | {"first", "context 0", "context 2"}


def test_nothing_stays_on_the_network(network):
    before = {name: dict(vars(module)) for name, module in network.named_modules()}
    declared = {"g_a": ("g_a",), "context": ("context.step",)}
    times(network, declared)
    network.fails = True
    with pytest.raises(RuntimeError, match="out of memory"):
        times(network, declared)
    network.fails = False
    assert not hooks(network)
    assert {name: vars(module).keys() for name, module in network.named_modules()} == {
        name: attributes.keys() for name, attributes in before.items()
    }
    with mark(COPIES):
        pass  # nobody hears it any more


def test_a_method_of_the_instances_own_comes_back(network):
    own = network.context.step

    def replaced(x, index):
        return own(x, index)

    network.context.step = replaced
    assert "context 2" in times(network, {"context #": ("context.step",)})
    assert vars(network.context)["step"] is replaced


def test_the_hooks_of_others_stay_and_count_as_the_modules_time(network):
    called = []
    handle = network.g_a.register_forward_hook(lambda *_: called.append("theirs"))
    times(network, {"g_a": ("g_a",)})
    assert called == ["theirs"]
    assert len(hooks(network)) == 1
    handle.remove()


def test_a_call_that_fails_inside_is_left_where_it_is_caught(network):
    def call():
        with pytest.raises(RuntimeError):
            network.g_a(torch.ones(5))
        network.inner.g_s(torch.ones(4))

    found = measure_phases(call, network, {"g_a": ("g_a",), "g_s": ("inner.g_s",)}, CPU)
    assert found["g_a"] > 0
    assert found["g_s"] > 0


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("g_aa", "Did you mean 'g_a'"), ("context.steps.*.x", "no submodule or method"), ("**.h_s", "At its top: g_a")],
)
def test_what_the_network_does_not_have_is_an_error_of_one_line(network, pattern, hint):
    with pytest.raises(UserError, match="Phase 'p'") as error:
        find_phase_calls(network, {"p": (pattern,)})
    assert hint in str(error.value)
    assert "\n" not in str(error.value)


def test_without_a_declaration_compressais_names_are_taken():
    from compressai.models import JointAutoregressiveHierarchicalPriors, MeanScaleHyperprior

    phases = {t.phase for t in find_phase_calls(JointAutoregressiveHierarchicalPriors(N=4, M=6), {})}
    assert phases == {"g_a", "h_a", "h_s", "g_s", "context", ENTROPY_CODER}
    network = MeanScaleHyperprior(N=4, M=6).eval()
    network.update(force=True)
    with torch.no_grad():
        coded = network.compress(torch.rand(1, 3, 64, 64))
        found = measure_phases(lambda: network.decompress(coded["strings"], coded["shape"]), network, {}, CPU)
    assert found.keys() == ALWAYS | {"h_s", "g_s"}
    assert found[ENTROPY_CODER] > 0


def test_a_network_of_unknown_names_is_other_alone(network):
    found = measure_phases(lambda: network.g_a(torch.ones(4)), network.context, {}, CPU)
    assert found.keys() == ALWAYS
    assert found[OTHER] == found[TOTAL]


@pytest.mark.gpu
def test_on_a_gpu_phases_add_up_too(network):
    network.cuda()
    declared = {"g_a": ("g_a",), "context *": ("context.steps.*",)}
    found = measure_phases(lambda: network.run(torch.ones(4, device="cuda")), network, declared, torch.device("cuda"))
    assert found.keys() == ALWAYS | {"g_a", "context 0", "context 1", "context 2"}
    assert found.pop(TOTAL) == sum(found.values())
    assert min(found[name] for name in ("g_a", "context 1", ENTROPY_CODER)) > 0
