"""The folder of a training: who may use it, and that its files are whole."""

from contextlib import closing
from pathlib import Path

import pytest
import torch

from lic_bench.errors import UserError
from lic_bench.training.training_folder import CurvePoint, TrainingFolder, read_state, set_aside

SETTINGS = {"codec": "lalic", "lmbda": 0.0067, "data_sha256": "a", "commit": "1"}


def point(step: int) -> CurvePoint:
    return CurvePoint(step, 1e-4, 256, 1.5, 0.5, 28.123456789, 3.25, 12.0 * step)


def test_a_state_is_read_as_it_was_saved(tmp_path: Path) -> None:
    with closing(TrainingFolder(tmp_path / "out", SETTINGS)) as folder:
        assert read_state(tmp_path / "out") is None
        folder.save({"step": 3, "network": {"w": torch.arange(4.0)}}, {"state_dict": {}}, "w.pth")
    state = read_state(tmp_path / "out")
    assert state is not None
    assert state["step"] == 3
    assert torch.equal(state["network"]["w"], torch.arange(4.0))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [".lock", "state.pt", "training.json", "w.pth"]
    (tmp_path / "out" / "state.pt").write_bytes(b"torn")
    with pytest.raises(UserError, match=r"state\.pt is damaged .* --fresh"):
        read_state(tmp_path / "out")


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        closing(TrainingFolder(tmp_path, SETTINGS)),
        pytest.raises(UserError, match="in use by another training"),
    ):
        TrainingFolder(tmp_path, SETTINGS)
    TrainingFolder(tmp_path, SETTINGS).close()


@pytest.mark.parametrize(
    ("change", "message", "allowed"),
    [
        ({"lmbda": 0.013}, r"lmbda was 0\.0067, now 0\.013; choose another --out, begin anew with --fresh\.$", None),
        ({"data_sha256": "b"}, "pictures in --data are not the same .* go on with --allow data", "data"),
        ({"commit": "2"}, "another commit .* go on with --allow commit", "commit"),
    ],
)
def test_other_settings(tmp_path: Path, change: dict[str, object], message: str, allowed: str | None) -> None:
    TrainingFolder(tmp_path, SETTINGS).close()
    with pytest.raises(UserError, match=message):
        TrainingFolder(tmp_path, {**SETTINGS, **change})
    if allowed:
        TrainingFolder(tmp_path, {**SETTINGS, **change}, [allowed]).close()
        with closing(TrainingFolder(tmp_path, {**SETTINGS, **change})) as folder:  # from then on it is the training's
            assert folder.earlier == [{name: SETTINGS[name] for name in change}]


def test_points_after_the_last_state_are_cut(tmp_path: Path) -> None:
    with closing(TrainingFolder(tmp_path, SETTINGS)) as folder:
        folder.cut_curve(0)
        for step in (50, 100, 150):
            folder.add_point(point(step))
        with (tmp_path / "curve.csv").open("a") as file:
            file.write("200,0.0001")  # torn
        folder.cut_curve(100)
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    assert lines[0].startswith("step,learning_rate,crop,loss,bpp,psnr_db")
    assert [line.split(",")[0] for line in lines[1:]] == ["50", "100"]
    assert lines[1] == "50,0.0001,256,1.5,0.5,28.1235,3.25,600"


def test_strangers_files_and_setting_aside(tmp_path: Path) -> None:
    assert set_aside(tmp_path) is None
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"holds other files \(thesis\.tex\) and no training\.json"):
        TrainingFolder(tmp_path, SETTINGS)
    TrainingFolder(tmp_path / "out", SETTINGS).close()
    aside = set_aside(tmp_path / "out")
    assert aside is not None
    assert (aside / "training.json").exists()
    assert not (tmp_path / "out").exists()
