"""A factory that ignores `quality` is measured once; one whose networks differ in anything, at every quality."""

from pathlib import Path

import pytest

from lic_bench.codecs.loading import weights_of
from lic_bench.codecs.registry import resolve_codec
from lic_bench.run.distinct_qualities import distinct_qualities
from lic_bench.run.options import Options
from lic_bench.run.preparation import prepare_session

NETWORKS = """
import sys
import torch
from compressai.models import FactorizedPrior

class Scaled(FactorizedPrior):
    scale = 1

    def compress(self, x):
        return super().compress(self.scale * x)

def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Scaled(N=4, M=6)
        network.g_a[-1].weight.data.mul_(50)
    return network

def ignoring(quality, pretrained):
    return network()

def scaled(quality, pretrained):
    made = network()
    made.scale = quality // 2
    return made

def failing(quality, pretrained):
    made = network()
    made.compress = lambda x: 1 / 0
    return made

def exiting(quality, pretrained):
    made = network()
    made.compress = lambda x: sys.exit(0)
    return made

def undefined(quality, pretrained):
    made = network()
    made.scale = float("nan")
    return made
"""


@pytest.fixture(autouse=True)
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one_network.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


ALL = (2, 3, 4, 5)  # where the first one fails, the run will say why


@pytest.mark.parametrize(
    ("factory", "expected"),
    [("ignoring", (2,)), ("scaled", (2, 4)), ("failing", ALL), ("exiting", ALL), ("undefined", ALL)],
)
def test_what_codes_alike_is_left_out(factory: str, expected: tuple[int, ...]) -> None:
    spec = resolve_codec(f"one_network:{factory}:qualities=2..5:weights=own")
    weights = {str(quality): weights_of(spec, quality, None) for quality in spec.qualities}
    assert len(set(weights.values())) == 1
    assert distinct_qualities(spec, spec.qualities, weights) == expected


def test_the_run_has_one_quality_and_a_line_that_says_so(tmp_path: Path) -> None:
    codec = "one_network:ignoring:qualities=1..4:weights=own"
    session = prepare_session(Options(codecs=codec, out=tmp_path / "run", datasets="sample"))
    assert session.config.qualities == {codec: (1,)}
    assert session.config.weights[codec].keys() == {"1"}
    assert [job.quality for job in session.jobs()] == [1] * 4
    assert f"{codec}: the factory ignores the quality: one network, so quality 2, 3, 4 is left out; measured: 1" in (
        session.notes
    )
