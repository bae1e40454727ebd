"""One process at a time writes into a folder, and sets nobody else's aside."""

from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.system import claimed_folder
from lic_bench.system.claimed_folder import check_no_strangers, claim_folder, set_folder_aside
from lic_bench.system.named_folders import named_folder


def test_a_claimed_folder_is_neither_claimed_again_nor_set_aside(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with claim_folder(folder, "training"):
        (folder / "training.json").touch()
        with pytest.raises(UserError, match="out is in use by another training; wait for it"):
            claim_folder(folder, "training")
        with pytest.raises(UserError, match="in use by another training"):
            set_folder_aside(folder, "training.json", "training")
    aside = set_folder_aside(folder, "training.json", "training")
    assert aside is not None
    assert (aside / "training.json").exists()
    assert not folder.exists()
    assert set_folder_aside(folder, "training.json", "training") is None


def test_a_file_system_without_locks_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(file: object, *, wait: bool) -> bool:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(claimed_folder, "take_lock", no_locks)
    with pytest.raises(
        UserError, match=r"Cannot lock .*: Operation not supported; choose another --out, on a local disk"
    ):
        claim_folder(tmp_path, "training")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="Cannot write to "):
        claim_folder(tmp_path / "file", "training")


def test_other_peoples_files_are_named(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    check_no_strangers(tmp_path, "run.json")
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"holds other files \(thesis\.tex\) and no run\.json"):
        check_no_strangers(tmp_path, "run.json")


def test_of_a_link_the_link_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "run.json").touch()
    (tmp_path / "out").symlink_to("disk")
    aside = set_folder_aside(tmp_path / "out", "run.json", "lic-bench run")
    assert aside is not None
    assert aside.parent == tmp_path
    assert aside.name.startswith("out.old-")
    assert (aside / "run.json").exists()
    assert (tmp_path / "disk" / "run.json").exists()
    claim_folder(tmp_path / "out", "lic-bench run").close()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]


@pytest.mark.parametrize("name", [".", "../out", "..", "below/.."])
def test_a_fresh_folder_takes_the_place_of_the_one_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    out = tmp_path / "out"
    (out / "below").mkdir(parents=True)
    (out / "run.json").touch()
    monkeypatch.chdir(out / "below" if name == ".." else out)
    named = named_folder(name)
    assert named is not None
    aside = set_folder_aside(named, "run.json", "lic-bench run")
    claim_folder(named, "lic-bench run").close()
    assert [path.name for path in out.iterdir()] == [".lock"]
    assert aside is not None
    assert (aside / "run.json").exists()
