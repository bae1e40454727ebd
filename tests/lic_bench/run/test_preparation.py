"""What is checked before anything is measured: the ladder before the weights, sizes that a network takes."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lic_bench.errors import UserError
from lic_bench.run.options import Options
from lic_bench.run.preparation import prepare_session

NETWORKS = """
from compressai.models import FactorizedPrior

def small(quality):
    with open("built", "a") as log:
        log.write(f"{quality}\\n")
    return FactorizedPrior(N=4, M=6)
"""


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Options]:
    """A codec with good weights at the qualities 1 to 4, and a file that is none at 5."""
    (tmp_path / "ladder_networks.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    from compressai.models import FactorizedPrior

    for quality in range(1, 5):
        torch.save(FactorizedPrior(N=4, M=6).state_dict(), tmp_path / f"small-q{quality}.pth")
    (tmp_path / "small-q5.pth").write_text("a web page")
    yield Options(
        codecs="ladder_networks:small:qualities=1..6", out=tmp_path / "run", datasets="sample", checkpoints=tmp_path
    )
    sys.modules.pop("ladder_networks", None)


def with_changes(options: Options, **changes: object) -> Options:
    return Options(**{name: getattr(options, name) for name in Options.__slots__} | changes)


def test_weights_that_the_quick_ladder_leaves_out_are_not_opened(options: Options) -> None:
    session = prepare_session(with_changes(options, quick=True))
    assert session.config.qualities == {options.codecs: (1, 2)}
    assert set(Path("built").read_text().split()) == {"1", "2"}


def test_weights_that_the_ladder_has_must_fit(options: Options) -> None:
    with pytest.raises(UserError, match=r"small-q5\.pth"):
        prepare_session(options)


def test_of_one_quality_one_network_is_built(options: Options) -> None:
    Path("small-q5.pth").unlink()
    session = prepare_session(options, one_quality=True)
    assert session.config.qualities == {options.codecs: (3,)}
    assert session.files == {options.codecs: {3: Path("small-q3.pth").absolute()}}
    assert set(Path("built").read_text().split()) == {"3"}


@pytest.mark.parametrize(("multiple", "size"), [(64, (512, 768)), (256, (512, 768)), (512, (512, 1024))])
def test_operations_are_counted_at_a_size_that_needs_no_padding(
    options: Options, multiple: int, size: tuple[int, int]
) -> None:
    codec = f"ladder_networks:small:padding={multiple}"
    session = prepare_session(with_changes(options, codecs=codec, qualities=("1",), checkpoints=None))
    assert session.counted == {codec: [size]}
