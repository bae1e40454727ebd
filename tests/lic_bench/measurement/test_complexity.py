import copy
import weakref
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from compressai.models import FactorizedPrior
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import register_flop_formula

from lic_bench.measurement.complexity import ALL_COUNTS, COUNTERS, count_complexity, failed_complexity
from lic_bench.measurement.failures import Failure
from lic_bench.measurement.mac_counters.exact_counter import count_macs
from lic_bench.measurement.mac_counters.fvcore_counter import fvcore_counts
from lic_bench.measurement.mac_counters.mac_count import CONVOLUTION, ELEMENTWISE, PRODUCT, TRANSPOSED
from lic_bench.measurement.mac_counters.thop_counter import thop_counts
from lic_bench.store.records import Complexity

FORWARD = tuple((counter, "forward") for counter in COUNTERS)


class Net(nn.Module):
    """One 3x3 convolution 3 -> 8 as a module, one matrix product that no module hook sees."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.mix = nn.Parameter(torch.ones(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.conv(x).permute(0, 2, 3, 1), self.mix)


class Halves(nn.Module):
    """CompressAI's convention: a convolution 3 -> 4 at half the size to encode, its transpose to decode."""

    def __init__(self) -> None:
        super().__init__()
        self.g_a = nn.Conv2d(3, 4, 4, stride=2, padding=1)
        self.g_s = nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)
        self.tables = 0

    def forward(self, x: Tensor) -> dict[str, Any]:
        return {"x_hat": self.g_s(self.g_a(x)), "likelihoods": {"y": torch.ones(1)}}

    def update(self, force: bool = False) -> bool:
        self.tables += 1
        return True

    def compress(self, x: Tensor) -> dict[str, Any]:
        assert self.tables, "no tables yet"
        return {
            "strings": [[self.g_a(x).round().char().numpy().tobytes()]],
            "shape": (x.shape[2] // 2, x.shape[3] // 2),
        }

    def decompress(self, strings: list[list[bytes]], shape: tuple[int, int]) -> dict[str, Tensor]:
        y_hat = torch.frombuffer(bytearray(strings[0][0]), dtype=torch.int8).view(1, 4, *shape).float()
        return {"x_hat": self.g_s(y_hat)}


class Inferring(Halves):
    """The same, under inference_mode, which hides operators from older counters."""

    @torch.inference_mode()
    def compress(self, x: Tensor) -> dict[str, Any]:
        return super().compress(x)

    @torch.inference_mode()
    def decompress(self, strings: list[list[bytes]], shape: tuple[int, int]) -> dict[str, Tensor]:
        return super().decompress(strings, shape)


@torch.library.custom_op("lic_bench_tests::stated", mutates_args=())
def stated(x: Tensor) -> Tensor:
    return x * 2 + 1


@torch.library.custom_op("lic_bench_tests::silent", mutates_args=())
def silent(x: Tensor) -> Tensor:
    return x * 2 + 1


@register_flop_formula(torch.ops.lic_bench_tests.stated)
def _stated(x: Any, *args: Any, **kwargs: Any) -> int:
    return 2 * torch.Size(x).numel()


def by_path(rows: list[Complexity]) -> dict[tuple[str, str], Complexity]:
    return {(row.counter, row.path): row for row in rows}


def test_counters_by_hand() -> None:
    net = Net()
    before = copy.deepcopy(net.state_dict())
    rows = by_path(count_complexity(net, "net", 1, 10, 20, wanted=FORWARD))
    pixels = 10 * 20
    assert rows["thop", "forward"].macs == pixels * 8 * 3 * 9
    assert rows["fvcore", "forward"].macs == rows["exact", "forward"].macs == pixels * (8 * 3 * 9 + 8 * 8)
    assert {row.parameters for row in rows.values()} == {8 * 3 * 9, 8 * 3 * 9 + 64}  # thop sees those of its modules
    assert net.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


@pytest.mark.parametrize("network", [Halves, Inferring])
@settings(max_examples=5, deadline=None)
@given(height=st.integers(1, 12), width=st.integers(1, 12))
def test_encode_and_decode_are_what_compress_and_decompress_run(network: type[Halves], height: int, width: int) -> None:
    rows = by_path(count_complexity(model := network(), "net", 1, 2 * height, 2 * width))
    half = height * width * 3 * 4 * 16
    assert tuple(rows) == ALL_COUNTS
    assert {row.status for row in rows.values()} == {"ok"}
    assert [rows["exact", path].macs for path in ("forward", "encode", "decode")] == [2 * half, half, half]
    assert rows["fvcore", "forward"].macs == 2 * half
    assert rows["thop", "forward"].macs == half + 4 * half  # a transposed convolution at its output's size
    assert model.tables == 0  # the copy's were made


def test_decode_alone_is_counted_alike() -> None:
    (alone,) = count_complexity(Halves(), "net", 1, 8, 8, wanted=(("exact", "decode"),))
    assert alone == count_complexity(Halves(), "net", 1, 8, 8)[-1]


def test_a_codec_of_compressai() -> None:
    rows = by_path(count_complexity(FactorizedPrior(8, 12).eval(), "net", 1, 64, 64))
    macs = {path: row.macs or 0 for (counter, path), row in rows.items() if counter == "exact"}
    assert {row.status for row in rows.values()} == {"ok"}
    assert 0 < macs["encode"] < macs["forward"]
    assert macs["encode"] + macs["decode"] == pytest.approx(macs["forward"], rel=0.01)  # the entropy model's is apart


def test_what_runs_twice_counts_twice_and_its_parameters_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Conv2d(3, 3, 1, bias=False)
            self.same = nn.Sequential(self.one)

        def forward(self, x: Tensor) -> Tensor:
            return self.same(self.one(x))

    rows = by_path(
        count_complexity(Twice(), "net", 1, 8, 8, wanted=FORWARD)
    )  # thop hooks it twice and adds it up twice
    assert rows["exact", "forward"].macs == rows["fvcore", "forward"].macs == 2 * 64 * 9
    assert rows["exact", "forward"].parameters == rows["fvcore", "forward"].parameters == 9
    assert (rows["thop", "forward"].macs, rows["thop", "forward"].parameters) == (8 * 64 * 9, 2 * 9)


def test_what_inference_needs_is_asked_of_the_network() -> None:
    class Merged(Net):
        def parameters_inference(self) -> int:
            return 17

    assert {row.parameters_inference for row in count_complexity(Merged(), "net", 1, 8, 8, wanted=FORWARD)} == {17}
    assert {row.parameters_inference for row in count_complexity(Net(), "net", 1, 8, 8, wanted=FORWARD)} == {None}


def test_what_thop_has_no_rule_for_is_named() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    class Gdn(nn.Module):
        """With a child, as GDN's has, and a convolution of its own."""

        def __init__(self) -> None:
            super().__init__()
            self.gamma = nn.Parameter(torch.ones(3, 3, 1, 1))
            self.bound = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return x * F.conv2d(x, self.bound(self.gamma))

    net = nn.Sequential(nn.Conv2d(3, 3, 1), odd := Odd(), odd, nn.Identity(), Gdn(), nn.ModuleList([Odd()])[0])
    found = thop_counts(net, torch.zeros(1, 3, 8, 8))["forward"]()
    assert found.uncounted == {"Odd": 3, "Gdn (convolutions)": 1}
    assert found.by_kind == {CONVOLUTION: 64 * 9}


def test_kinds_are_the_same_for_all_counters() -> None:
    class All(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.up = nn.Conv2d(3, 4, 3, padding=1), nn.ConvTranspose2d(4, 4, 2, stride=2)
            self.norm, self.linear = nn.LayerNorm(4), nn.Linear(4, 6)

        def forward(self, x: Tensor) -> Tensor:
            tokens = self.linear(self.norm(self.up(self.conv(x)).flatten(2).mT))
            return F.scaled_dot_product_attention(tokens, tokens, tokens)

    x, pixels, fine = torch.zeros(1, 3, 4, 6), 24, 96
    with torch.no_grad():
        found = {name: counter(All(), x)["forward"]() for name, counter in COUNTERS.items()}
    conv, up, linear, attention = pixels * 3 * 4 * 9, pixels * 4 * 4 * 4, fine * 4 * 6, 2 * fine**2 * 6
    assert found["exact"].by_kind == {CONVOLUTION: conv, TRANSPOSED: up, PRODUCT: linear + attention}
    products = {kind: found["thop"].by_kind[kind] for kind in (CONVOLUTION, TRANSPOSED, PRODUCT)}
    assert products == {CONVOLUTION: conv, TRANSPOSED: 4 * up, PRODUCT: linear}
    assert found["fvcore"].by_kind[TRANSPOSED] == up
    assert found["fvcore"].by_kind[PRODUCT] == linear
    assert found["fvcore"].uncounted["aten::scaled_dot_product_attention"] == 1
    assert min(found[name].by_kind[ELEMENTWISE] for name in ("thop", "fvcore")) > 0
    assert all(sum(counted.by_kind.values()) == counted.macs for counted in found.values())


def test_operators_that_compute_are_listed_and_those_that_move_memory_are_not() -> None:
    def work(x: Tensor) -> Tensor:
        y = torch.cat((x.clone(), F.pad(x, (1, 1))[..., 1:-1]), 1).permute(0, 2, 3, 1).contiguous().flatten()
        y = torch.where(torch.zeros_like(y, dtype=torch.bool), y, y.double().float()).roll(1)
        return (y.mul_(2) * 3).exp().sum() + F.softmax(y, 0)[0]

    found, _ = count_macs(lambda: work(torch.zeros(1, 3, 8, 8)))
    assert found.uncounted == {"aten._softmax": 1, "aten.add": 1, "aten.exp": 1, "aten.mul": 2, "aten.sum": 1}
    assert found.macs == 0


def test_an_operator_of_a_codec_counts_half_its_operations_or_is_listed() -> None:
    found, _ = count_macs(lambda: (stated(torch.zeros(5, 7)), silent(torch.zeros(5, 7))))
    assert (found.macs, found.by_kind) == (35, {"lic_bench_tests.stated": 35})
    assert found.uncounted == {"lic_bench_tests.silent": 1}


def test_biwkv_counts_by_its_own_formula() -> None:
    from lalic.biwkv import biwkv

    w, u, k = torch.ones(6), torch.ones(6), torch.zeros(1, 10, 6)
    found, _ = count_macs(lambda: biwkv(w, u, k, k))
    assert found.by_kind == {"lalic.biwkv": 29 * 10 * 6 // 2}


def test_fvcore_traces_nested_results_and_masks_and_names_what_was_not_called() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.read = nn.Linear(3, 3)
            self.called = nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> dict[str, Any]:
            mask = (x > 0) & True | False
            return {"a": [self.called(x) * mask], "b": {"c": x.permute(0, 2, 3, 1) @ self.read.weight.mT}}

    found = fvcore_counts(Masked(), torch.zeros(1, 3, 4, 4))["forward"]()
    assert found.by_kind == {CONVOLUTION: 16 * 9, PRODUCT: 16 * 9}
    assert found.uncounted["module Linear, not called"] == 1
    assert "aten::permute" not in found.uncounted


def test_a_failing_counter_is_a_failed_record() -> None:
    class Small(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("too\nsmall")

    rows = count_complexity(Small(3, 3, 1), "net", 1, 8, 8, wanted=FORWARD)
    assert [row.status for row in rows] == ["failed"] * 3
    assert {row.error for row in rows} == {"ValueError: too small"}
    assert {row.parameters for row in rows} == {12}


def test_what_a_counter_that_failed_had_in_memory_is_gone_at_the_next() -> None:
    left: list[bool] = []
    seen: list[weakref.ref[Tensor]] = []

    class Full(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            left.append(any(ref() is not None for ref in seen))
            large = torch.zeros(9)
            seen.append(weakref.ref(large))
            raise ValueError("full")

    assert {row.error for row in count_complexity(Full(3, 3, 1), "net", 1, 8, 8, wanted=FORWARD)} == {
        "ValueError: full"
    }
    assert left == [False] * len(FORWARD)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA\nout"), MemoryError(), RuntimeError("can't allocate memory: 9 bytes")]
)
def test_out_of_memory_is_said_as_in_the_records_of_pictures(error: Exception) -> None:
    class Large(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            raise error

    rows = count_complexity(Large(3, 3, 1), "net", 1, 8, 8, wanted=FORWARD)
    assert {(row.error, row.failure) for row in rows} == {(Failure.of(error).message, "out_of_memory")}


def test_a_path_that_fails_leaves_the_others() -> None:
    class NoDecoder(Halves):
        def decompress(self, strings: list[list[bytes]], shape: tuple[int, int]) -> dict[str, Tensor]:
            raise ValueError("out of sync")

    rows = by_path(count_complexity(NoDecoder(), "net", 1, 8, 8))
    assert [pair for pair, row in rows.items() if row.status == "failed"] == [("exact", "decode")]


def test_failed_records_are_those_that_were_wanted() -> None:
    rows = failed_complexity("net", 1, 8, 16, Failure("error", "cannot load"))
    assert tuple((row.counter, row.path) for row in rows) == ALL_COUNTS
    assert {(row.status, row.error, row.macs, row.height, row.width) for row in rows} == {
        ("failed", "cannot load", None, 8, 16)
    }


@pytest.mark.parametrize("size", [(16, 16), (32, 48)])
def test_macs_grow_with_pixels(size: tuple[int, int]) -> None:
    rows = by_path(count_complexity(Net(), "net", 1, *size, wanted=FORWARD))
    assert rows["thop", "forward"].macs == size[0] * size[1] * 216
    assert rows["fvcore", "forward"].macs == rows["exact", "forward"].macs == size[0] * size[1] * 280
