"""The paper's ablations: variants that code and load, and the figures of its Tables 2, 3 and 5."""

import importlib.util
import json
import sys
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from lalic.ablations import ABLATIONS, OPERATIONS, operations
from lalic.blocks import Aft, BiRwkvBlock
from lalic.checkpoint import infer_config, lalic_parameters
from lalic.config import LalicConfig
from lalic.model import Lalic, build

SCRIPT = Path(__file__).parents[2] / "benchmarks/ablations.py"
VARIANTS = [
    {"attention": "aft", "shift": False, "channel_floor": 128},
    {"attention": "aft", "channel_floor": 128},
    {"shift": False, "channel_floor": 128},
    {"context": "conv"},
    {"context": "conv-plus"},
    {"context": "conv-plus", "attention": "aft", "shift": False},
]
variants = pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(str(x) for x in v.values()))


@pytest.fixture
def tiny_with_floor(tiny_config):
    """The tiny network, its convolutional channel contexts narrow too, the ratio that only "rwkv" has as released."""
    return replace(tiny_config, channel_floor=7, context_ratio=LalicConfig().context_ratio)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("benchmarks_ablations", SCRIPT)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def network(config):
    """Weights random, y and its scales wide enough for strings that mean something; tables made."""
    torch.manual_seed(0)
    model = Lalic(config).eval()
    with torch.no_grad():
        model.g_a[-1].weight.mul_(4)
        model.h_a[-1].weight.mul_(4)
        for group in model.context.groups:
            list(group.aggregation.parameters())[-1].add_(1)
    model.update(force=True)
    return model


@variants
def test_a_fresh_instance_of_a_variant_decodes_to_the_estimated_reconstruction(variant, tiny_with_floor):
    model = network(replace(tiny_with_floor, **variant))
    x = torch.rand(2, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        estimated = model(x)["x_hat"].clamp(0, 1)
    coded = model.compress(x)
    assert sum(len(string) for strings in coded["strings"] for string in strings) > 250  # 112 if all were empty
    fresh = build(model.state_dict())
    fresh.update(force=True)
    assert torch.equal(fresh.decompress(coded["strings"], coded["shape"])["x_hat"], estimated)


@variants
def test_the_variant_is_read_from_the_names_and_shapes(variant, tiny_with_floor):
    config = replace(tiny_with_floor, **variant)
    assert infer_config(lalic_parameters(Lalic(config).state_dict())) == config


@variants
def test_every_parameter_of_a_variant_gets_a_gradient(variant, tiny_with_floor):
    model = Lalic(replace(tiny_with_floor, **variant))
    out = model(torch.rand(1, 3, 64, 128))
    sum(part.sum() for part in (out["x_hat"], *out["likelihoods"].values())).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None and "quantiles" not in name] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context": "lstm"}, "context is 'lstm'; allowed are 'rwkv', 'conv', 'conv-plus'."),
        ({"attention": "softmax"}, "attention is 'softmax'; allowed are 'biwkv', 'aft'."),
        ({"shift": "no"}, "shift is 'no'; allowed are True, False."),
    ],
)
def test_an_unknown_variant_is_an_error_that_names_the_known_ones(changes, message):
    with pytest.raises(ValueError, match=message):
        LalicConfig(**changes)


def test_aft_is_the_papers_equation_and_stands_large_keys():
    k, v = torch.randn(2, 2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sums = [(k.exp() * factor).sum(1, keepdim=True) for factor in (v, 1)]
    torch.testing.assert_close(Aft()(k, v), sums[0] / sums[1])
    torch.testing.assert_close(Aft()(k + 1e4, v), sums[0] / sums[1])


@torch.no_grad()
def test_without_positions_and_shift_a_block_does_not_see_the_order_of_the_tokens():
    torch.manual_seed(0)
    image, order = torch.randn(1, 6, 4, 5, dtype=torch.float64), torch.randperm(20)
    for attention, shift, same in (("aft", False, True), ("aft", True, False), ("biwkv", False, False)):
        block = BiRwkvBlock(6, attention=attention, shift=shift).double()
        shuffled = block(image.flatten(2)[..., order].view_as(image)).flatten(2)
        assert torch.allclose(shuffled, block(image).flatten(2)[..., order]) == same


class Formula:
    """What thop's rules give for the authors' network, written down without our network: parameters and MACs."""

    def __init__(self, config, height, width):
        self.config, self.pixels = config, height * width
        inner, outer = config.hyper_widths
        sizes, depths = (3, *config.widths), (*config.depths, 0)
        self.transforms = self.hyper = (0, 0)
        for stage, ((a, b), depth) in enumerate(zip(pairwise(sizes), depths, strict=True), 1):
            kernel = 3 if stage > 1 else 5
            blocks = self.blocks(b, depth, 2**stage)
            down, up = self.conv(a, b, kernel, 2**stage), self.conv(b, a, kernel, 2 ** (stage - 1))
            self.transforms = add(self.transforms, down, up, blocks, blocks)
        blocks = self.blocks(inner, config.hyper_depth, 32)
        for a, b, stride in ((sizes[-1], inner, 32), (inner, outer, 64)):
            self.hyper = add(self.hyper, self.conv(a, b, 5, stride), self.conv(b, a, 5, stride // 2), blocks)

    def at(self, stride):
        return self.pixels // stride**2

    def conv(self, inputs, outputs, kernel, stride):
        weights = inputs * outputs * kernel**2
        return weights + outputs, weights * self.at(stride)

    def blocks(self, width, depth, stride, ratio=None, shift=None):
        """Square maps; two shifts; two norms, of two vectors and 4 operations a value each."""
        ratio = ratio or self.config.hidden_ratio
        weights = (5 + 2 * ratio) * width**2 + (50 * width if self.config.shift or shift else 0)
        return depth * (weights + 4 * width), depth * (weights + 8 * width) * self.at(stride)

    def depth_conv(self, inputs, outputs, kernel):
        inner, hidden = 2 * inputs, max(min(4 * outputs, 1024), 2 * outputs)
        maps = [(inputs, inner), (inner, outputs), (outputs, hidden), (hidden, outputs)]
        maps += [(inputs, outputs)] * (inputs != outputs)
        depthwise = inner * kernel**2
        return add((depthwise + inner, depthwise * self.at(16)), *(self.conv(*pair, 1, 16) for pair in maps))

    def layers(self, widths, network):
        for a, b in pairwise(widths):
            if self.config.context == "conv-plus":
                yield self.depth_conv(a, b, 3 if network == "channel" else 1)
            elif self.config.context == "conv":
                yield self.conv(a, b, 5 if network == "channel" else 1, 16)
            else:
                weights = a * b + 5 * b**2
                yield weights + 3 * b, (weights + 4 * b) * self.at(16)

    def context(self):
        config, total = self.config, (0, 0)
        latent = config.widths[-1]
        for index, g in enumerate(config.groups):
            earlier = sum(config.groups[:index])
            inputs = latent + (4 if earlier else 2) * g
            parameters, macs = add(*self.layers(line(inputs, 2 * g, *config.aggregation_range), "aggregation"))
            total = add(total, (parameters, 2 * macs))
            if earlier and config.context == "rwkv":
                ends = self.conv(earlier, latent, 3, 16), self.conv(latent, 2 * g, 1, 16)
                total = add(total, *ends, self.blocks(latent, 2, 16, config.context_ratio, shift=True))
            elif earlier:
                total = add(total, *self.layers(line(earlier, 2 * g, config.channel_floor), "channel"))
        return total

    def their_way(self):
        return add(self.transforms, self.hyper, (0, self.hyper[1]), self.context())


def add(*counts):
    return tuple(map(sum, zip(*counts, strict=True)))


def line(inputs, outputs, least, most=10**6):
    inner = ((2 * inputs + outputs) // 3, (inputs + 2 * outputs) // 3)
    return [inputs, *(sorted((least, width, most))[1] for width in inner), outputs]


def printed(counts):
    return round(counts[0] / 1e6, 2), round(counts[1] / 1e9, 2)


TABLE_2 = {name: row for name, row in ABLATIONS.items() if row.table == 2}
TABLE_3 = {name: row for name, row in ABLATIONS.items() if row.table == 3}


@pytest.mark.parametrize("name", TABLE_2)
def test_the_papers_table_2_to_the_digit_but_for_conv_plus(name):
    row = TABLE_2[name]
    found = printed(Formula(row.config, 512, 768).their_way())
    expected = (62.30, 304.77) if row.config.context == "conv-plus" else (row.parameters_m, row.gmacs)
    assert found == expected


def test_the_released_network_counted_once_and_as_thop_registers_it():
    formula = Formula(LalicConfig(), 512, 768)
    once = add(formula.transforms, formula.hyper, formula.context())
    assert printed(once) == (63.24, 277.64)
    assert printed(add(once, (formula.hyper[0], 3 * formula.hyper[1]))) == (80.18, 303.19)


def check(row, config, height, width):
    formula = Formula(config, height, width)
    assert (row.their_way.parameters, row.their_way.macs) == formula.their_way()
    assert (row.hyper.parameters + row.merged_hyper, row.hyper.macs) == formula.hyper


@pytest.mark.parametrize("variant", [{}, *VARIANTS], ids=str)
def test_the_script_counts_what_the_formulas_say_with_and_without_values(script, variant, tiny_with_floor):
    config = replace(tiny_with_floor, **variant)
    rows = [script.count(config, device, 64, 128) for device in ("meta", "cpu")]
    assert rows[0] == rows[1]
    check(rows[0], config, 64, 128)


def test_a_full_size_row_counted_by_thop(script):
    config = TABLE_2["2-2-2-2-conv"].config
    counted = script.count(config)
    check(counted, config, 512, 768)
    shipped = json.loads((SCRIPT.parents[1] / "results/measured/ablations.json").read_text())["rows"]
    assert shipped["2-2-2-2-conv"]["ours"] == asdict(counted.ours)
    assert shipped["2-2-2-2-conv"]["their_way"] == asdict(counted.their_way)


def test_thop_hooks_and_sums_what_is_registered_twice_twice(script):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = nn.Sequential(nn.Linear(3, 5, bias=False))
            self.other_name = nn.ModuleList([self.part])

        def forward(self, x):
            return self.part(x)

    macs, parameters = script.profile(Twice(), inputs=(torch.zeros(7, 3),), verbose=False)
    assert (macs, parameters) == (4 * 7 * 15, 2 * 15)


@pytest.mark.parametrize("name", TABLE_3)
def test_the_papers_table_3_operations_to_the_digit(name):
    row = TABLE_3[name]
    tokens = [512 * 768 // 4**stage for stage in (1, 2, 3)]
    stages = zip(row.config.widths[:3], row.config.depths, tokens, strict=True)
    values = 2 * sum(width * depth * count for width, depth, count in stages) + 2 * 256 * 6 * 384
    assert round(operations(row.config) * values / 1e9, 4) == row.delta_gops


def test_the_scripts_values_are_those_of_the_blocks_of_the_transforms(script, tiny_with_floor):
    row = script.count(tiny_with_floor, "cpu", 64, 128)
    assert row.values == 2 * (4 * 2048 * 1 + 6 * 512 * 1 + 8 * 128 * 2) + 2 * 8 * 8 * 1


def test_the_papers_table_5():
    assert {name: value for name, (_, value, _) in OPERATIONS.items()} == {
        "AFT": 7,
        "AFT+Shift": 57,
        "BiWKV+Shift": 79,
        "Window Attention": 128,
        "Selective Scan": 144,
        "Selective Scan 2D": 576,
    }
    assert all(value == paper for _, value, paper in OPERATIONS.values())


def test_the_script_prints_every_row_in_a_hundred_columns(script, capsys, monkeypatch, tiny_with_floor):
    counted = script.count(tiny_with_floor, height=64, width=64)
    monkeypatch.setattr(script, "count", lambda config, device="meta": counted)
    monkeypatch.setattr("sys.argv", ["ablations.py"])
    assert script.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert all(any(line.startswith(f"{row.label}  ") for line in lines) for row in ABLATIONS.values())


def test_the_script_writes_what_reports_read(script, tmp_path, monkeypatch, tiny_with_floor):
    counted = script.count(tiny_with_floor, height=64, width=64)
    monkeypatch.setattr(script, "count", lambda config, device="meta": counted)
    monkeypatch.setattr("sys.argv", ["ablations.py", "--json", str(tmp_path / "ablations.json")])
    assert script.main() == 0
    written = json.loads((tmp_path / "ablations.json").read_text())
    shipped = json.loads((SCRIPT.parents[1] / "results/measured/ablations.json").read_text())
    assert written.keys() == shipped.keys()
    assert written["rows"].keys() == shipped["rows"].keys() == ABLATIONS.keys()
    assert written["operations_per_token_and_channel"] == shipped["operations_per_token_and_channel"]
