"""--checkpoint: which file is whose, at which quality, and what is refused."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from compressai.models import FactorizedPrior

from lic_bench.errors import UserError
from lic_bench.run.options import Options
from lic_bench.run.preparation import Session, prepare_session

NETWORKS = """
from compressai.models import FactorizedPrior

def plain():
    return FactorizedPrior(N=4, M=6)

def wide(quality):
    return FactorizedPrior(N=4 * quality, M=6)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """With the module `own_networks`, and two files of weights of `plain`."""
    (tmp_path / "own_networks.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("best.pth.tar", "other.pth"):
        torch.save({"model_state_dict": FactorizedPrior(N=4, M=6).state_dict(), "epoch": 3}, name)
    yield tmp_path
    sys.modules.pop("own_networks", None)


def session(codecs: str, *named: str, **more: object) -> Session:
    options = {"out": Path("run"), "datasets": "sample", "limit": 1, "measure": "quality", **more}
    return prepare_session(Options(codecs=codecs, checkpoint=named, **options))  # type: ignore[arg-type]


def test_a_file_of_any_name_is_the_codecs_weights() -> None:
    made = session("own_networks:plain", "own_networks:plain=best.pth.tar")
    assert made.files == {"own_networks:plain": {1: Path("best.pth.tar")}}
    assert made.config.qualities == {"own_networks:plain": (1,)}
    assert len(made.config.weights["own_networks:plain"]["1"]) == 64


def test_a_factory_without_a_quality_has_those_of_its_files() -> None:
    named = [f"own_networks:plain:{quality}={file}" for quality, file in ((3, "best.pth.tar"), (1, "other.pth"))]
    made = session("jpeg,own_networks:plain", *named)
    assert made.config.qualities["own_networks:plain"] == (1, 3)
    assert {job.quality for job in made.jobs() if job.spec.name == "own_networks:plain"} == {1, 3}


def test_one_quality_of_several_is_named(folder: Path) -> None:
    torch.save(FactorizedPrior(N=8, M=6).state_dict(), "two.pth")
    made = session("own_networks:wide", "own_networks:wide:2=two.pth", checkpoints=folder, weights="auto")
    assert made.config.qualities == {"own_networks:wide": (2,)}


def test_named_files_leave_out_those_that_are_found() -> None:
    torch.save(FactorizedPrior(N=4, M=6).state_dict(), "wide-q1.pth")
    torch.save(FactorizedPrior(N=8, M=6).state_dict(), "mine.pth")
    made = session("own_networks:wide", "own_networks:wide:2=mine.pth", checkpoints=Path())
    assert made.files == {"own_networks:wide": {2: Path("mine.pth")}}


def test_averaged_weights_beside_others_are_said_not_to_be_used() -> None:
    weights = FactorizedPrior(N=4, M=6).state_dict()
    torch.save({"model": weights, "ema": weights}, "both.pth")
    torch.save({"ema": weights}, "ema.pth")
    assert (
        "both.pth holds 'ema' besides, which is not used"
        in session("own_networks:plain", "own_networks:plain=both.pth").notes
    )
    made = session("own_networks:plain", "own_networks:plain=ema.pth")
    assert (made.notes, set(made.files["own_networks:plain"])) == ([], {1})


@pytest.mark.parametrize(
    ("codecs", "named", "message"),
    [
        ("own_networks:plain", ["own_networks:plain=nothing.pth"], "there is no file 'nothing.pth'"),
        ("own_networks:plain", ["own_networks:plain="], "there is no file ''"),
        ("own_networks:plain", ["own_networks:plain"], "write CODEC=FILE or CODEC:QUALITY=FILE, of --codecs own_net"),
        ("own_networks:plain", ["lalic:3=best.pth.tar"], "write CODEC=FILE or CODEC:QUALITY=FILE"),
        ("own_networks:plain", ["own_networks:plain:0=best.pth.tar"], "'0' is no quality"),
        ("own_networks:plain", ["own_networks:plain:q1=best.pth.tar"], "'q1' is no quality"),
        ("own_networks:plain", ["own_networks:plain=best.pth.tar"] * 2, "has a file at quality 1 already"),
        ("own_networks:wide", ["own_networks:wide=best.pth.tar"], "say at which quality, as own_networks:wide:1=best"),
        ("own_networks:wide", ["own_networks:wide:9=best.pth.tar"], "has no quality 9"),
        ("jpeg", ["jpeg:50=best.pth.tar"], "jpeg is a classical codec: it has no weights; leave it out"),
        (
            "own_networks:plain:weights=own",
            ["own_networks:plain:weights=own=best.pth.tar"],
            "brings weights of its own",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(codecs: str, named: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        session(codecs, *named)


def test_weights_of_another_network_name_the_way_out() -> None:
    with pytest.raises(UserError, match=r"best\.pth\.tar does not fit codec .*Likely cause: .*package\.module:factory"):
        session("own_networks:wide", "own_networks:wide:2=best.pth.tar")


def test_named_weights_and_random_ones_exclude_each_other() -> None:
    with pytest.raises(UserError, match="--checkpoint names weights of 'own_networks:plain'; leave one"):
        session("own_networks:plain", "own_networks:plain=best.pth.tar", weights="random")
