"""Weights files that must not be taken for trained weights, $LIC_BENCH_DRAWS of them, $LIC_BENCH_SEED says which."""

import argparse
import io
import json
import os
import random
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from compressai.models import MeanScaleHyperprior

from lic_bench import load_model
from lic_bench.codecs.checkpoint_content import content_problem
from lic_bench.codecs.checkpoint_file import read_checkpoint
from lic_bench.errors import UserError

DRAWS, SEED = int(os.environ.get("LIC_BENCH_DRAWS", "25")), int(os.environ.get("LIC_BENCH_SEED", "0"))
LIMIT_S = 60 + DRAWS
GIB = 1 << 30
State = dict[str, Any]
WHOLE = ("g_a.0.weight", "g_s.0.bias", "h_a.0.weight", "entropy_bottleneck.quantiles", "entropy_bottleneck.matrices.0")


def spoilt(change: Callable[[torch.Tensor, random.Random], torch.Tensor]) -> Callable[[State, random.Random], State]:
    """A maker of states in which one entry is another."""

    def make(state: State, draw: random.Random) -> State:
        name = draw.choice(WHOLE)
        return state | {name: change(state[name].clone(), draw)}

    return make


def with_value(value: float) -> Callable[[torch.Tensor, random.Random], torch.Tensor]:
    def change(tensor: torch.Tensor, draw: random.Random) -> torch.Tensor:
        tensor.view(-1)[draw.randrange(tensor.numel())] = value
        return tensor

    return change


def containing_itself(state: State, draw: random.Random) -> State:
    wrapped: State = {}
    wrapped[draw.choice(["state_dict", "model"])] = wrapped
    return wrapped


class Filled:
    """Whose pickle makes three gigabytes when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return bytearray, (3 * GIB,)


QUANTILES, SCALES = "entropy_bottleneck.quantiles", "gaussian_conditional.scale_table"
CONTENTS: dict[str, Callable[[State, random.Random], object]] = {
    "nothing": lambda state, draw: draw.choice([{}, {"state_dict": {}}, {"epoch": 3}, {"model": {"lr": 0.1}}]),
    "itself": containing_itself,
    "integers": spoilt(lambda value, draw: value.to(draw.choice([torch.int64, torch.int32, torch.uint8]))),
    "booleans": spoilt(lambda value, draw: value > 0),
    "complex": spoilt(lambda value, draw: value.to(draw.choice([torch.complex64, torch.complex128]))),
    "nan": spoilt(with_value(float("nan"))),
    "infinite": spoilt(with_value(float("inf"))),
    "nan table": lambda state, draw: state | {SCALES: torch.linspace(1, 9, 64).log().sub(9).sqrt()},
    "no scales": lambda state, draw: state | {SCALES: torch.linspace(draw.choice([-1, 0]), 9, 64)},
    "huge scales": lambda state, draw: state | {SCALES: torch.logspace(0, draw.choice([6, 9, 30]), 64)},
    "quantiles": lambda state, draw: state | {QUANTILES: state[QUANTILES] * draw.choice([1e5, -1e6, 1e20])},
    "shape": spoilt(lambda value, draw: value.flatten()[: draw.randrange(value.numel())]),
    "less": lambda state, draw: {name: value for name, value in state.items() if name != draw.choice(WHOLE[:1])},
    "more": lambda state, draw: state | {"lrp.weight": torch.ones(3)},
    "sparse": spoilt(lambda value, draw: value.to_sparse()),
    "expanded": lambda state, draw: state | {"g_a.0.weight": torch.zeros(1).expand(GIB)},
    "class": lambda state, draw: {"state_dict": state, "args": argparse.Namespace(lmbda=0.01)},
    "bytes": lambda state, draw: state | {"more": Filled()},
    "list": lambda state, draw: draw.choice([[state], torch.ones(3), 3, list(state.values())]),
    "numbers": lambda state, draw: dict(enumerate(state.values())),
}


def packed(content: object, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def damaged_member(data: bytes, draw: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as pack:
        member = draw.choice([entry for entry in pack.infolist() if entry.file_size > 100])
    at = data.index(member.filename.encode()) + len(member.filename) + 64 + draw.randrange(member.file_size - 100)
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def unpacking_to_much(data: bytes, draw: random.Random) -> bytes:
    """The first of its tensors is three gigabytes of zeros, packed into a few megabytes at most."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, bytes(1 << 20) if name.endswith("data/0") else old.read(name))
    short = zlib.crc32(bytes(1 << 20)).to_bytes(4, "little")
    directory = out.getvalue().rindex(short)  # in the entry of the directory: checksum, packed and unpacked size
    return out.getvalue()[: directory + 8] + (3 * GIB).to_bytes(4, "little") + out.getvalue()[directory + 12 :]


FILES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "damaged": damaged_member,
    "cut off": lambda data, draw: data[: draw.randrange(len(data))],
    "much": unpacking_to_much,
    "flipped": lambda data, draw: bytes(byte ^ (draw.random() < 1e-4) for byte in data),
    "page": lambda data, draw: draw.choice(
        [b"", b"<html>", b"version https://git-lfs.github.com", draw.randbytes(999)]
    ),
}


def bad_files(folder: Path, count: int, seed: int) -> Iterator[Path]:
    """`count` bad weights files of every kind in turn, some in torch's old format."""
    network = MeanScaleHyperprior(8, 12)
    network.update()
    state = dict(network.state_dict())
    whole = packed(state)
    torch.save(state, folder / "good.pth")
    kinds = [*CONTENTS, *FILES]
    for number in range(count):
        draw, kind = random.Random(f"{seed} {number}"), kinds[number % len(kinds)]
        old = draw.random() < 0.2
        data = (
            FILES[kind](whole, draw)
            if kind in FILES
            else packed(CONTENTS[kind](state, draw), _use_new_zipfile_serialization=not old)
        )
        path = folder / f"{number:03} {kind}.pth"
        path.write_bytes(data)
        yield path


NETS = """
from compressai.models import MeanScaleHyperprior
def plain(): return MeanScaleHyperprior(8, 12)
def by_state(state): return MeanScaleHyperprior.from_state_dict(state) if state else plain()
"""
CHILD = """
import json, re, sys, torch
from pathlib import Path
from lic_bench import load_model
from lic_bench.errors import UserError
torch.set_num_threads(1)
good = {name: load_model(name, checkpoint="good.pth").state_dict() for name in ("nets:plain", "nets:by_state")}
outcomes = {}
for file in sys.argv[1:]:
    for name, expected in good.items():
        try:
            loaded = load_model(name, checkpoint=file).state_dict()
        except UserError as error:
            outcomes[f"{file}, {name}"] = "refused" if len(str(error).splitlines()) == 1 else "several lines"
        else:
            same = loaded.keys() == expected.keys() and all(torch.equal(loaded[key], expected[key]) for key in loaded)
            outcomes[f"{file}, {name}"] = "the same" if same else "accepted"
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(json.dumps({"outcomes": outcomes, "kilobytes": int(peak[1])}))
"""


def test_no_bad_weights_file_is_taken_for_trained_weights(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    files = [path.name for path in bad_files(tmp_path, DRAWS, SEED)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert not done.returncode, done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kilobytes"] < 2 * GIB / 1024
    wrong = {
        name: outcome
        for name, outcome in result["outcomes"].items()
        if outcome != "refused" and not ("flipped" in name and outcome == "the same")
    }
    assert not wrong
    assert len(result["outcomes"]) == 2 * len(files)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({}, "holds no weights"),
        ({"state_dict": {"epoch": 3}}, "holds no weights"),
        ({"a": torch.tensor([1.0, torch.nan])}, "holds NaN in 'a'"),
        ({"a.quantiles": torch.tensor([1e6])}, "holds 1e+06 in 'a.quantiles'; allowed is up to 10000"),
        ({"scale_table": torch.tensor([0.0, 1.0])}, "holds 0 in 'scale_table'; allowed are scales above 0"),
        ({"a": torch.zeros(3).to_sparse()}, "holds 'a', which is no plain tensor"),
        ({"a": torch.zeros(1).expand(10**6)}, "describes more values than it holds"),
        ({"a": torch.zeros(300)}, "describes more values than it holds"),
    ],
)
def test_the_problem_is_said(content: State, problem: str) -> None:
    assert str(content_problem(content, 1000)).startswith(problem)


def test_what_networks_hold_beside_weights_is_fine() -> None:
    content = {
        "mask": torch.tensor([0.0, -torch.inf]),
        "steps": torch.tensor(3),
        "twice": (tied := torch.ones(20)),
        "tied": tied,
        "empty": torch.zeros(0),
        "scale_table": torch.tensor([0.11, 256.0]),
        "quantiles": torch.tensor([-10.0, 0.0, 10.0]),
    }
    assert content_problem({"state_dict": content, "optimizer": {"loss": torch.nan}}, 1000) is None


def test_a_class_that_is_refused_is_named(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(1)}, "args": argparse.Namespace(lmbda=0.01)}, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"it holds a argparse\.Namespace, .*torch\.save\(network\.state_dict\(\)"):
        read_checkpoint(tmp_path / "w.pth")


@pytest.mark.parametrize("state", [{}, {"state_dict": {}}])
def test_a_state_dict_without_weights_is_no_trained_network(state: State) -> None:
    with pytest.raises(UserError, match=r"the given state dict holds no weights\."):
        load_model("cheng2020-parallel", 1, checkpoint=state)
