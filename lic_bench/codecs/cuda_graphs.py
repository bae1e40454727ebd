"""A network's prediction as CUDA graphs, one from each coding pass to the next: the host starts each by one call.

What a graph does is recorded once for a size of image, and done again with other values in the same memory. Between two
graphs the coder works, which needs the host.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from copy import deepcopy
from typing import Any, Protocol

import torch
from torch import Tensor

from lic_bench.codecs.gaussian_coding import Coder
from lic_bench.phase_marks import mark

Hyper = tuple[Tensor, ...]
Predict = Callable[[Hyper, Coder], Tensor]

KEPT = 4  # recordings: of sizes of images, of which each takes memory
WARM_UPS = 2  # before a recording, so that libraries and kernels are loaded
CONTEXT = "context"  # phase of a replay, in which submodules are not called


class Graph(Protocol):
    """Work that is recorded once and may then be done many times."""

    def record(self) -> AbstractContextManager[Any]:
        """What is called inside is recorded and not done."""

    def replay(self) -> None:
        """Do what was recorded."""


GraphsOn = Callable[[torch.device], Callable[[], Graph]]


class CudaGraph:
    """Graphs that share a pool of memory have to be replayed in the order in which they were recorded."""

    def __init__(self, pool: Any, stream: torch.cuda.Stream) -> None:
        """stream: of the device, to record on."""
        self._graph = torch.cuda.CUDAGraph()
        self._where: dict[str, Any] = {"pool": pool, "stream": stream}

    def record(self) -> AbstractContextManager[Any]:
        return torch.cuda.graph(self._graph, **self._where)

    def replay(self) -> None:
        self._graph.replay()


class GraphedPrediction:
    """Called like the `predict` of a codecs.hyperprior.HyperpriorCodec, which it records and replays."""

    def __init__(self, predict: Predict, graphs_on: GraphsOn | None = None) -> None:
        """graphs_on: gives a maker of graphs on a device that share memory; None: of CUDA's."""
        self._predict = predict
        self._graphs_on = graphs_on or _cuda_graphs_on
        self.recordings: dict[Any, Recording] = {}

    def __call__(self, hyper: Hyper, code: Coder) -> Tensor:
        """y_hat [B, M, h, w]."""
        key = tuple((part.shape, part.stride(), part.dtype, part.device) for part in hyper)
        if key not in self.recordings:
            if len(self.recordings) == KEPT:
                del self.recordings[next(iter(self.recordings))]
            self.recordings[key] = Recording(self._predict, hyper, self._graphs_on(hyper[0].device))
        return self.recordings[key].replay(hyper, code)

    def __deepcopy__(self, memo: dict[int, Any]) -> Predict:
        """Copies of a network predict without graphs: who counts operations in them sees them all."""
        return deepcopy(self._predict, memo)


class Recording:
    """The graphs of one size of image, and the memory in which their inputs and results are."""

    def __init__(self, predict: Predict, hyper: Hyper, new_graph: Callable[[], Graph]) -> None:
        self._new_graph = new_graph
        self._graphs: list[Graph] = []
        self._gaussians: list[tuple[Tensor, Tensor]] = []  # scales and means of each pass
        self._coded: list[Tensor] = []  # y_hat of each pass
        with torch.inference_mode(False), torch.no_grad():  # tensors that any mode may write into
            self._hyper = tuple(part.clone() for part in hyper)
            for _ in range(WARM_UPS):
                predict(self._hyper, lambda _scales, means: _place_for(means))
            if hyper[0].is_cuda:
                torch.cuda.synchronize(hyper[0].device)
            with ExitStack() as self._recorded:
                self._begin()
                self._y_hat = predict(self._hyper, self._next_pass)

    def replay(self, hyper: Hyper, code: Coder) -> Tensor:
        """y_hat [B, M, h, w] of a picture of this size."""
        with torch.no_grad():
            for place, part in zip(self._hyper, hyper, strict=True):
                place.copy_(part)
            for graph, gaussians, coded in zip(self._graphs, self._gaussians, self._coded, strict=False):
                with mark(CONTEXT):
                    graph.replay()
                coded.copy_(code(*gaussians))
            with mark(CONTEXT):
                self._graphs[-1].replay()
            return self._y_hat.clone()

    def _begin(self) -> None:
        self._graphs.append(self._new_graph())
        self._recorded.enter_context(self._graphs[-1].record())

    def _next_pass(self, scales: Tensor, means: Tensor) -> Tensor:
        """End the graph that gives a pass's Gaussians; y_hat of the pass, for the next graph."""
        self._recorded.close()
        self._gaussians.append((scales, means))
        self._coded.append(_place_for(means))
        self._begin()
        return self._coded[-1]


def _place_for(means: Tensor) -> Tensor:
    """For y_hat of a pass, laid out as coders give it, as the rounding of convolutions depends on that."""
    return torch.zeros_like(means, memory_format=torch.contiguous_format)


def _cuda_graphs_on(device: torch.device) -> Callable[[], Graph]:
    pool, stream = torch.cuda.graph_pool_handle(), torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return lambda: CudaGraph(pool, stream)
