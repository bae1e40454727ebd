"""Codecs straight from Python: compressai's own, and a file of factories in the current folder."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from lic_bench import cli, load_model
from lic_bench.codecs import registry
from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.codecs.loading import load_codec, sha256_of_state, weights_of
from lic_bench.codecs.registry import choose_codecs, resolve_codec
from lic_bench.errors import UserError
from lic_bench.run.options import ladder
from lic_bench.spec import CodecSpec, Padding
from lic_bench.store.run_folder import Run

NETS = """
from pathlib import Path

import torch
from compressai.models import FactorizedPrior, ScaleHyperprior
from torch import nn

from lic_bench.spec import CodecSpec, Padding

NUMBER = 3
GIVEN = CodecSpec(
    name="given", label="Given", kind="learned", load="nets:small", arguments=(), qualities=(1,),
    padding=Padding(multiple=64),
)
CLASH = CodecSpec(name="jpeg", label="Other", kind="classical", load="nets:small", qualities=(1,))

def small():
    return FactorizedPrior(8, 12)

def scripted():
    return torch.jit.script(nn.Conv2d(3, 3, 1))

def half():
    return FactorizedPrior(8, 12).half()

def double():
    return FactorizedPrior(8, 12).double()

def stated(state):
    return ScaleHyperprior.from_state_dict(state) if state else ScaleHyperprior(8, 12)

def by_quality(quality, metric="mse"):
    return FactorizedPrior(8 * quality, 12)

def trained(pretrained=False):
    if pretrained:
        torch.manual_seed(int(Path("seed.txt").read_text()))
    return FactorizedPrior(8, 12)

class Net(FactorizedPrior):
    def __init__(self, N=8, M=12):
        super().__init__(N, M)

class Formless(nn.Module):
    def compress(self, x): ...
    def decompress(self, strings, shape): ...
    def update(self, force=False): ...

class Stuck(Net):
    def update(self, force=False):
        raise RuntimeError("no tables today")

def failing():
    raise OSError("no disk\\ntoday")

def leaving():
    raise SystemExit("bye")

def wide(channels):
    return FactorizedPrior(channels, 12)

def number():
    return 3
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with nets.py; it leaves no trace in this process."""
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "torn.py").write_text("import no_such_thing\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(0)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(registry, "_plugins", {})
    yield tmp_path
    for name in ("nets", "torn", "leaves"):
        sys.modules.pop(name, None)


def small_run(codecs: str, *more: object) -> list[str]:
    """The words of a `lic-bench run` over one small image."""
    words = ["run", "--codecs", codecs, "--datasets", "sample", "--crop", "64", "--limit", "1", "--repeats", "1"]
    return [*words, "--device", "cpu", "--measure", "quality", "--out", "run", *map(str, more)]


def call(monkeypatch: pytest.MonkeyPatch, codecs: str, *more: object) -> int:
    """Exit code of a small `lic-bench run`, in this process."""
    monkeypatch.setattr(sys, "argv", ["lic-bench", *small_run(codecs, *more)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


CORNER = Padding(multiple=64, place="corner")


@pytest.mark.parametrize(
    ("target", "arguments", "qualities", "padding"),
    [
        ("nets:small", (), (1,), CORNER),
        ("nets:Net", (), (1,), CORNER),
        ("nets:stated", ("state",), (1,), CORNER),
        ("nets:stated:qualities=2..4", ("state",), (2, 3, 4), CORNER),
        ("nets:by_quality", ("quality",), tuple(range(1, 9)), CORNER),
        ("nets:by_quality:qualities=3", ("quality",), (3,), CORNER),
        ("nets:trained", ("pretrained",), (1,), CORNER),
        ("nets:small:padding=128:place=centre", (), (1,), Padding(multiple=128, place="centre")),
        ("compressai.zoo:cheng2020_anchor:qualities=1..6", ("quality", "pretrained"), (1, 2, 3, 4, 5, 6), CORNER),
    ],
)
@pytest.mark.usefixtures("nets")
def test_what_a_target_becomes(
    target: str, arguments: tuple[str, ...], qualities: tuple[int, ...], padding: Padding
) -> None:
    spec = resolve_codec(target)
    assert (spec.name, spec.kind, spec.own_weights) == (target, "learned", False)
    assert (spec.arguments, spec.qualities, spec.padding) == (arguments, qualities, padding)
    assert resolve_codec(target) == spec


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ("nets:small", "small (nets)"),
        ("nets:small:padding=128:weights=own:qualities=1", "small:padding=128 (nets)"),
        ("compressai.zoo:mbt2018:qualities=3", "mbt2018 (compressai.zoo)"),
    ],
)
@pytest.mark.usefixtures("nets")
def test_labels_tell_versions_of_a_network_apart(target: str, label: str) -> None:
    assert resolve_codec(target).label == label


def test_files_have_the_quality_in_their_name_where_there_are_several(nets: Path) -> None:
    assert [c.file for c in resolve_codec("nets:stated").checkpoints.values()] == ["stated.pth"]
    several = resolve_codec("nets:stated:qualities=1..2").checkpoints
    assert {quality: c.file for quality, c in several.items()} == {1: "stated-q1.pth", 2: "stated-q2.pth"}
    assert not resolve_codec("nets:trained:weights=own").checkpoints


def test_targets_run_beside_names_without_a_network_connection(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was opened"))
    whole = "--measure", "all", "--no-isolate", "--quick"
    codecs = "jpeg,compressai.zoo:bmshj2018_hyperprior,nets:small,nets:Net,nets:stated,nets:by_quality"
    assert call(monkeypatch, codecs, "--qualities", "1", "--qualities", "jpeg=50", *whole) == cli.OK
    run = Run(nets / "run")
    assert ",".join(run.info["config"]["codecs"]) == codecs
    assert ",".join(run.records.codec) == codecs
    assert set(run.records.status) == set(run.complexity.status) == {"ok"}
    assert set(run.records.weights[run.records.codec != "jpeg"]) == {"random"}
    assert set(run.complexity.codec) == set(codecs.split(",")[1:])


def test_the_current_folder_is_importable_and_the_same_command_resumes(nets: Path) -> None:
    # -P: Python itself does not add the current folder, as for an installed `lic-bench`
    command = [sys.executable, "-P", "-m", "lic_bench.cli", *small_run("nets:small", "--limit", "2")]
    texts = []
    for stored in (2, 1):
        done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
        assert done.returncode == cli.OK, done.stderr
        assert ("resuming: 1 of 2 records are stored" in done.stdout) == (stored == 1)
        texts.append((nets / "run/records.jsonl").read_text())
        (nets / "run/records.jsonl").write_text(texts[0].splitlines(keepends=True)[0])
    first, second = ([json.loads(line)["bitstream_sha256"] for line in text.splitlines()] for text in texts)
    assert first == second


def test_another_network_under_that_name_is_another_run(
    nets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "nets:small") == cli.OK
    (nets / "nets.py").write_text(NETS.replace("FactorizedPrior(8, 12)", "FactorizedPrior(16, 12)"))
    sys.modules.pop("nets")
    assert call(monkeypatch, "nets:small") == cli.BAD_INPUT
    assert "could not be compared with these: weights of nets:" in capsys.readouterr().err


@pytest.mark.parametrize("factory", ["small", "stated"])
def test_weights_are_read_from_a_file_named_after_the_factory(
    nets: Path, monkeypatch: pytest.MonkeyPatch, factory: str
) -> None:
    module = load_model(f"nets:{factory}")
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -1e-3, 1e-3)
    file = nets / f"{factory}.pth"
    torch.save({"state_dict": module.state_dict()} if factory == "small" else module.state_dict(), file)
    assert call(monkeypatch, f"nets:{factory}", "--checkpoints", nets) == cli.OK
    assert set(Run(nets / "run").records.weights) == {sha256_of(file)}
    loaded = load_model(f"nets:{factory}", checkpoint=file)
    for ours, theirs in zip(loaded.parameters(), module.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_weights_that_do_not_fit_or_lack_are_named(
    nets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "nets:small", "--checkpoints", nets) == cli.BAD_INPUT
    assert f"Weights of 'nets:small' are missing in {nets}: small.pth;" in capsys.readouterr().err
    torch.save({"g_a.0.weight": torch.zeros(3)}, nets / "small.pth")
    assert call(monkeypatch, "nets:small", "--checkpoints", nets) == cli.BAD_INPUT
    error = capsys.readouterr().err
    assert re.fullmatch(r"lic-bench: \S+small\.pth does not fit codec 'nets:small': .*1 of another shape.*\n", error)
    assert not (nets / "run").exists()


def test_weights_of_the_factory_are_recorded_by_their_hash(
    nets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = "nets:trained:weights=own"
    (nets / "seed.txt").write_text("3")
    assert call(monkeypatch, f"{target},nets:trained") == cli.OK
    run = Run(nets / "run")
    own, fresh = run.records.weights
    assert (own, fresh) == (weights_of(resolve_codec(target), 1, None), "random")
    made = weights_of(resolve_codec("nets:trained"), 1, None)
    assert re.fullmatch("random [0-9a-f]{12}", made)
    assert run.info["config"]["weights"] == {target: {"1": own}, "nets:trained": {"1": made}}
    assert "nets:trained: no weights; random ones" in (shown := capsys.readouterr().out)
    assert f"{target}: no weights" not in shown
    (nets / "seed.txt").write_text("4")
    assert call(monkeypatch, f"{target},nets:trained") == cli.BAD_INPUT  # other weights are another run
    assert "could not be compared with these: weights of nets:" in capsys.readouterr().err


@pytest.mark.usefixtures("nets")
def test_a_network_with_own_weights_is_run_at_every_quality() -> None:
    assert ladder(resolve_codec("nets:by_quality:qualities=2..4:weights=own"), None, {}, quick=False) == (2, 3, 4)
    assert ladder(resolve_codec("nets:by_quality:qualities=2..4"), None, {}, quick=False) == (3,)


def test_the_hash_is_of_names_types_shapes_and_values() -> None:
    class Holder(nn.Module):
        def __init__(self, name: str, value: torch.Tensor) -> None:
            super().__init__()
            self.register_buffer(name, value)

    values = [torch.zeros(2, 3), torch.zeros(3, 2), torch.zeros(6, dtype=torch.int32), torch.eye(2, 3), torch.zeros(())]
    modules = [Holder("a", value) for value in values] + [Holder("b", values[0]), Holder("a", torch.zeros(0))]
    assert len({sha256_of_state(module) for module in modules}) == len(modules)
    assert sha256_of_state(Holder("a", torch.zeros(3, 2).T)) == sha256_of_state(modules[0])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (":small", "write package.module:factory"),
        ("nets:", "write package.module:factory"),
        ("folder/nets:small", "write package.module:factory"),
        ("net:small", "there is no module 'net' in /"),
        ("nets.more:small", "there is no module 'nets.more' in /"),
        ("torn:small", "importing torn fails: ModuleNotFoundError: No module named 'no_such_thing'"),
        ("leaves:small", "importing leaves fails: SystemExit: 0"),
        ("nets:smal", "nets has no 'smal'. Did you mean 'small'?"),
        ("nets:NUMBER", "NUMBER is of type int; name a function or class"),
        ("nets:wide", "it needs 'channels', which nobody gives"),
        ("builtins:int", "its signature cannot be read; wrap it in a function"),
        ("nets:failing", "cannot be built at quality 1: OSError: no disk today"),
        ("nets:leaving", "cannot be built at quality 1: SystemExit: bye"),
        ("nets:number", "nets:number gives a value of type int, no torch.nn.Module"),
        ("torch.nn:Identity", "Identity has no compress, decompress, update; a network needs"),
        ("nets:scripted", "RecursiveScriptModule has no compress, decompress, update; a network needs"),
        ("nets:Formless", "Formless has no forward; a network needs"),
        ("nets:half", "nets:half gives weights in float16; networks are measured in float32"),
        ("nets:double", "nets:double gives weights in float64; networks are measured in float32"),
        ("nets:Stuck", "update(force=True) fails: RuntimeError: no tables today"),
        ("compressai.zoo:cheng2020_anchor:qualities=7", 'at quality 7: ValueError: Invalid quality "7"'),
        ("nets:small:pading=3", "'pading'. Did you mean 'padding'?"),
        ("nets:small:padding", "the option padding has no value"),
        ("nets:small:padding=0", "padding=0 is no number of pixels"),
        ("nets:small:place=left", "place=left is unknown; allowed: centre, corner"),
        ("nets:small:qualities=6..1", "qualities=6..1 is no range"),
        ("nets:small:weights=mine", "weights=mine is unknown; write weights=own"),
        ("nets:small:weights=own", "change with the seed, so they are not all trained"),
        ("nets:trained:weights=own:qualities=1..3", "takes no quality, so weights=own has one"),
        ("nets:GIVEN:padding=3", "a CodecSpec takes no options"),
        ("nets:CLASH", "the name 'jpeg' belongs to a codec already"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    nets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], target: str, message: str
) -> None:
    assert call(monkeypatch, f"jpeg,{target}") == cli.BAD_INPUT
    error = capsys.readouterr().err
    assert error.startswith("lic-bench: ")
    assert error.count("\n") == 1
    assert target in error
    assert message in error
    assert not (nets / "run").exists()


@pytest.mark.usefixtures("nets")
def test_own_weights_and_random_ones_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "nets:trained:weights=own", "--weights", "random") == cli.BAD_INPUT
    assert "--weights random: 'nets:trained:weights=own' brings weights of its own" in capsys.readouterr().err


@pytest.mark.usefixtures("nets")
def test_a_network_that_differs_by_quality_needs_one() -> None:
    with pytest.raises(UserError, match=r"another network at every quality; name one of 1, 2, 3, 4, 5, 6, 7, 8"):
        load_model("nets:by_quality")
    small, large = (sum(p.numel() for p in load_model("nets:by_quality", q).parameters()) for q in (1, 2))
    assert small < large


def test_a_spec_is_taken_as_it_is(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_codec("adapters.jpeg.codec:SPEC") is resolve_codec("jpeg")
    assert isinstance(resolve_codec("nets:GIVEN"), CodecSpec)
    assert [spec.name for spec in choose_codecs("nets:GIVEN,given")] == ["given"]
    assert call(monkeypatch, "nets:GIVEN", "--qualities", "given=1") == cli.OK
    assert set(Run(nets / "run").records.codec) == {"given"}


@pytest.mark.parametrize("factory", ["half", "double"])
def test_the_precision_of_every_codec_counts(nets: Path, factory: str) -> None:
    spec = replace(resolve_codec(f"nets:{factory}"), name="own-codec", own_weights=True)
    with pytest.raises(UserError, match=r"call \.float\(\) there"):
        load_codec(spec, 1, None, torch.device("cpu"))
