"""Predictions recorded and replayed. On the CPU the graph is one that notes the operators and calls them again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lic_bench.codecs.cuda_graphs import KEPT, GraphedPrediction
from lic_bench.codecs.hyperprior import HyperpriorCodec
from lic_bench.codecs.registry import find_codecs, load_target

NETWORKS = {
    name: spec.small
    for name, spec in find_codecs().items()
    if spec.coding_passes and spec.small and not name.endswith(("msssim", "-middle", "-large"))
}


class NotingGraph(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Does what a CUDA graph does: the same operators on the same memory, with what lies there then."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self.calls: list[tuple[Callable[..., Any], Any, Any, Any]] = []

    def __torch_dispatch__(self, call: Any, _types: Any, arguments: Any = (), options: Any = None) -> Any:
        result = call(*arguments, **(options or {}))
        self.calls.append((call, arguments, options or {}, result))
        return result

    @contextmanager
    def record(self) -> Iterator[None]:
        with self:
            yield

    def replay(self) -> None:
        for call, arguments, options, result in self.calls:
            for old, new in zip(tree_leaves(result), tree_leaves(call(*arguments, **options)), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def network(name: str) -> HyperpriorCodec:
    torch.manual_seed(0)
    made = load_target(NETWORKS[name] or "")()
    assert isinstance(made, HyperpriorCodec)
    made.update(force=True)
    return made


def graphed(made: HyperpriorCodec) -> GraphedPrediction:
    prediction = GraphedPrediction(made.predict, lambda _device: NotingGraph)
    made.__dict__["predict"] = prediction
    return prediction


def image(height: int = 128, width: int = 128) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


def image_for(made: HyperpriorCodec) -> torch.Tensor:
    """The smallest that takes more than one position of z."""
    return image(*[max(128, made.multiple)] * 2)


def hypers(made: HyperpriorCodec) -> Iterator[tuple[torch.Tensor, ...]]:
    """Of three pictures; the second and third made up, as with random weights z_hat is the same for all."""
    with torch.no_grad():
        first = made.hyper(made.rounded(made.h_a(made.g_a(image_for(made).to(next(made.parameters()).device)))))
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        yield tuple(part + 0.1 * seed * torch.randn(part.shape, generator=generator).to(part) for part in first)


def code(scales: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
    """Something that depends on both, laid out as coders do."""
    return (torch.round(means * 8) / 8 + scales).contiguous()


@pytest.mark.parametrize("name", NETWORKS)
def test_replays_predict_what_the_network_does(name: str) -> None:
    plain, with_graphs = network(name), network(name)
    prediction = graphed(with_graphs)
    with torch.no_grad():
        for hyper in hypers(plain):
            assert with_graphs.predict(hyper, code).equal(plain.predict(hyper, code))
    assert len(prediction.recordings) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_strings_written_with_graphs_are_the_same_and_read_with_and_without_them(name: str) -> None:
    plain, with_graphs = network(name), network(name)
    graphed(with_graphs)
    coded, expected = (made.compress(image_for(plain)) for made in (with_graphs, plain))
    assert coded == expected
    x_hat = with_graphs.decompress(coded["strings"], coded["shape"])["x_hat"]
    assert x_hat.equal(plain.decompress(expected["strings"], expected["shape"])["x_hat"])


@pytest.mark.gpu
@pytest.mark.parametrize("name", NETWORKS)
def test_cuda_graphs_give_the_strings_and_pictures_of_the_network_itself(name: str) -> None:
    plain, with_graphs = network(name).cuda(), network(name).cuda()
    with_graphs.__dict__["predict"] = GraphedPrediction(with_graphs.predict)
    with torch.no_grad():
        for hyper in hypers(plain):
            assert with_graphs.predict(hyper, code).equal(plain.predict(hyper, code))
    x = image_for(plain).cuda()
    coded = with_graphs.compress(x)
    assert coded == plain.compress(x)
    x_hat = with_graphs.decompress(coded["strings"], coded["shape"])["x_hat"]
    assert x_hat.equal(plain.decompress(coded["strings"], coded["shape"])["x_hat"])


def test_what_was_given_out_stays_as_it_is() -> None:
    made = network("lalic")
    graphed(made)
    with torch.inference_mode():
        first, second, _ = hypers(made)
        y_hat = made.predict(first, code)
        before = y_hat.clone()
        assert not made.predict(second, code).equal(before)
        assert y_hat.equal(before)


def test_the_oldest_recordings_make_room_for_new_sizes() -> None:
    made = network("minnen2020")
    prediction = graphed(made)
    sizes = [(64, 64 * width) for width in range(1, KEPT + 2)]
    for size in (*sizes, sizes[-1]):
        made.compress(image(*size))
    assert [key[0][0][3] for key in prediction.recordings] == [width // 16 for _, width in sizes[1:]]


def test_copies_of_a_network_predict_without_graphs() -> None:
    made = network("lalic")
    graphed(made)
    twin = deepcopy(made)
    assert twin.predict.__self__ is twin  # type: ignore[attr-defined]
    assert isinstance(twin, nn.Module)


def test_a_prediction_that_fails_while_it_is_recorded_is_not_kept() -> None:
    calls = 0

    def predict(_hyper: object, _code: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("not this time")
        return torch.zeros(1)

    prediction = GraphedPrediction(predict, lambda _device: NotingGraph)
    with pytest.raises(RuntimeError, match="not this time"):
        prediction((torch.zeros(1),), code)
    assert not prediction.recordings
    assert prediction((torch.zeros(1),), code).equal(torch.zeros(1))


class Crossings(TorchDispatchMode):  # type: ignore[no-untyped-call]  # the same
    """Operators with tensors of two devices: copies, for which the host waits or which cannot be recorded."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self.found: list[str] = []

    def __torch_dispatch__(self, call: Any, _types: Any, arguments: Any = (), options: Any = None) -> Any:
        result = call(*arguments, **(options or {}))
        tensors = [leaf for leaf in tree_leaves((arguments, options, result)) if isinstance(leaf, torch.Tensor)]
        if len({tensor.device for tensor in tensors}) > 1:
            self.found.append(str(call))
        return result


def on_a_made_up_gpu(made: nn.Module) -> None:
    """Weights that have shapes and a device, but no values: whatever asks for one raises an error."""
    for module in made.modules():
        for name, parameter in module.named_parameters(recurse=False):
            weights = torch.empty(parameter.shape, dtype=parameter.dtype, device="cuda")
            setattr(module, name, nn.Parameter(weights, requires_grad=False))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, torch.empty(buffer.shape, dtype=buffer.dtype, device="cuda"))


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")
@pytest.mark.parametrize("name", NETWORKS)
def test_on_a_gpu_nothing_between_two_passes_of_the_coder_waits_for_the_host(name: str) -> None:
    made = network(name)
    with FakeTensorMode(), torch.no_grad():
        on_a_made_up_gpu(made)
        z_hat = torch.empty(1, made.entropy_bottleneck.channels, *[made.multiple // 32] * 2, device="cuda")
        hyper = made.hyper(z_hat)
        with Crossings() as crossings:
            y_hat = made.predict(hyper, lambda _scales, means: torch.zeros_like(means))
    assert y_hat.device.type == "cuda"
    assert not crossings.found


def test_what_waits_for_the_host_is_noticed() -> None:
    with FakeTensorMode(), Crossings() as crossings:
        x = torch.empty(2, device="cuda")
        with pytest.raises(DataDependentOutputException):
            x.max().item()
        x.cpu()
        x + torch.ones(2).to(x.device)
    assert crossings.found == ["aten._to_copy.default"] * 2
