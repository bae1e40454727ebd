"""GLIC against the numbers of the authors' code, its graphs, and what is said where weights do not fit."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image as pil

from adapters.glic import graphs
from adapters.glic.aggregation import GraphAttention
from adapters.glic.model import KEYS, build, small
from lic_bench.codecs.weights import present_name
from lic_bench.measurement.complexity import count_complexity


@pytest.mark.slow
def test_every_number_of_the_authors_code_comes_out(check_golden_run):
    check_golden_run("glic", build)


@pytest.fixture(scope="module")
def golden(conformance):
    return conformance.expected("glic")[0]


@pytest.fixture(scope="module")
def start(conformance):
    with np.load(conformance.HERE / "glic.start.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


@pytest.fixture
def picture(conformance, golden):
    with pil.open(conformance.HERE / golden["input"]) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None].double() / 255


@pytest.mark.slow
@torch.no_grad()
def test_with_the_wavelets_and_coordinates_of_released_files_too(conformance, golden, start, picture):
    """The golden state has random ones, which shows that they are read."""
    expected = golden["details"]["buffers_restored"]
    state = conformance.state_dict("glic", **golden["weights"])
    model = build(state | {name: start[name].double() for name in expected["buffers"]})
    model.update(force=True)
    kept = []
    model.h_a.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    coded = model.compress(picture)
    assert [hashlib.sha256(s).hexdigest() for (s,) in coded["strings"]] == [s["sha256"] for s in expected["strings"]]
    x_hat = model.decompress(coded["strings"], coded["shape"])["x_hat"]
    first = torch.tensor(expected["x_hat"]["first8"], dtype=torch.float64)
    torch.testing.assert_close(x_hat.flatten()[:8], first, rtol=1e-9, atol=1e-9)
    assert kept[0].std().item() == pytest.approx(expected["y"]["std"], rel=1e-9)


def test_a_fresh_network_has_the_authors_tables(start):
    fresh = build(None).state_dict()
    names = {name: present_name(name, KEYS.renames) for name in start}
    assert set(names.values()) <= fresh.keys()
    for name, own in names.items():
        torch.testing.assert_close(fresh[own], start[name], rtol=0, atol=1e-7, check_dtype=False)


def positions(height, width):
    """Of each position of a map its number + 1, so that 0 is outside."""
    return torch.arange(1.0, height * width + 1).view(1, height, width, 1)


@pytest.mark.parametrize("local", [True, False])
def test_groups_ask_and_are_answered_where_the_authors_have_them(local):
    height, width = 32, 48
    map_ = positions(height, width)
    inside = torch.nn.functional.pad(map_[0, :, :, 0], (4, 4, 4, 4))
    for rows, some, others in graphs.chunks(map_, map_, local=local):
        for y in range(rows.start, rows.stop):
            for x in range(width // 8):
                i, j = torch.arange(16)[:, None], torch.arange(16)
                if local:
                    samples = inside[8 * y + i, 8 * x + j]
                    queries = map_[0, 8 * y + i[:8], 8 * x + j[:8], 0]
                else:
                    samples = map_[0, i * 2 + y % 2, j * 3 + x % 3, 0]
                    queries = map_[0, i[:8] * 4 + y, j[:8] * 6 + x, 0]
                assert torch.equal(some[0, y - rows.start, x, :, 0], queries.flatten())
                assert torch.equal(others[0, y - rows.start, x, :, 0], samples.flatten())
    assert torch.equal(graphs.merge(graphs.queries(map_, local=local), local=local), map_)


@pytest.mark.parametrize("local", [True, False])
def test_a_few_groups_at_a_time_are_what_all_are_at_once(local, monkeypatch):
    attention = GraphAttention(16).double()
    x = torch.rand(2, 32, 48, 16, dtype=torch.float64)
    found = []
    for most in (10**6, 12):
        monkeypatch.setattr(graphs, "MOST_GROUPS", most)
        graph = graphs.edges(x, graphs.complexity_of(x), local=local)
        found.append((graph, attention(x, graph, local=local)))
    assert torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], found[1][1])


def test_a_position_has_about_as_many_neighbours_as_its_complexity_asks_for():
    torch.manual_seed(0)
    x = torch.rand(1, 16, 16, 12)
    x[:, :8] *= torch.linspace(0.1, 1, 16)[:, None]
    complexity = graphs.complexity_of(x)
    budgets = graphs.budgets_of(complexity, local=False)
    assert budgets.mean() == pytest.approx(64, rel=1e-5)
    neighbours = graphs.edges(x, complexity, local=False).sum(-1, keepdim=True)
    assert torch.corrcoef(torch.stack([budgets.flatten(), neighbours.flatten().float()]))[0, 1] > 0.9
    assert (neighbours - budgets).abs().mean() < 8


def test_complexity_is_that_of_the_authors_code_less_what_is_not_needed():
    """At 768x512, as all but the position biases is linear in the pixels.

    The authors' forward aggregates every position in both passes and calls the masked convolutions on y for its shape.
    """
    wanted = (("thop", "forward"), ("exact", "forward"), ("exact", "encode"), ("exact", "decode"))
    tiles = count_complexity(build(None), "glic", 1, 128, 128, wanted=wanted)
    biases = [blocks * 529 * (2 * 512 + 512 * 8) for blocks in (20, 20, 10, 10)]
    macs = [24 * (tile.macs - bias) + bias for tile, bias in zip(tiles, biases, strict=True)]
    half, masked, sobel, search, bottleneck = 53_783_562_240, 3_263_692_800, 283_115_520, 11_059_200, 1_216_512
    exact = 526_743_181_312 - half - masked - sobel - search + bottleneck
    assert macs == [483_997_407_232 - half, exact, 258_370_242_560, 282_200_754_176]
    assert (tiles[0].parameters, tiles[1].parameters) == (67_205_865, 69_367_113)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("g_a.g2.residual_group.blocks.0.grapher.logit_scale", "weights of another codec"),
        ("g_a.AuxT_enc.0.dwt.w_hl", "part of the file is lost"),
        ("g_s.g1.residual_group.blocks.4.grapher.relative_coords_table", "part of the file is lost"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_the_likely_cause(lost, said):
    state = small().state_dict()
    del state[lost]
    with pytest.raises(ValueError, match=said):
        build(state)
