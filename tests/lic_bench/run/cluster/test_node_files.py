from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lic_bench.errors import UserError
from lic_bench.run.cluster.chunks import NodeFile
from lic_bench.run.cluster.node_files import NodeFiles


def file_of(path: Path, content: bytes) -> NodeFile:
    return NodeFile(path, sha256(content).hexdigest(), len(content))


def files_there(scratch: Path, *files: NodeFile, folders: Any = ()) -> NodeFiles:
    orders: Any = SimpleNamespace(files=files, folders=folders, scratch=scratch)
    return NodeFiles(orders)


def test_a_file_at_the_same_path_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"same")
    there = files_there(tmp_path, file_of(path, b"same"))
    assert (there.places, there.lacking) == ({path: path}, set())


@pytest.mark.parametrize("content", [b"else", b"longer"])
def test_another_file_at_the_same_path_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{path} is another file than the run's {path}"):
        files_there(tmp_path, file_of(path, b"same"))


def test_a_folder_of_the_nodes_comes_first(tmp_path: Path) -> None:
    here, node = tmp_path / "here", tmp_path / "node"
    for folder in (here, node):
        (folder / "set").mkdir(parents=True)
        (folder / "set" / "a.png").write_bytes(b"same")
    there = files_there(tmp_path, file_of(here / "set" / "a.png", b"same"), folders=[(here, node)])
    assert there.places == {here / "set" / "a.png": node / "set" / "a.png"}


def test_what_was_sent_is_kept_for_the_next_run_unless_it_was_changed(tmp_path: Path) -> None:
    file = file_of(Path("/nowhere/a.png"), b"sent")
    there = files_there(tmp_path, file)
    assert there.lacking == {file.path}
    there.keep(file, b"sent")
    assert there.lacking == set()
    assert there.places[file.path].read_bytes() == b"sent"
    assert files_there(tmp_path, file).lacking == set()
    there.places[file.path].write_bytes(b"changed")
    assert files_there(tmp_path, file).lacking == {file.path}


def test_files_of_equal_content_are_each_kept(tmp_path: Path) -> None:
    files = [file_of(Path(f"/nowhere/{name}.png"), b"twin") for name in "ab"]
    there = files_there(tmp_path, *files)
    assert there.lacking == {file.path for file in files}
    for file in files:
        there.keep(file, b"twin")
    assert all(there.places[file.path].read_bytes() == b"twin" for file in files)


def test_what_did_not_arrive_whole_or_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    file = file_of(Path("/nowhere/a.png"), b"sent")
    there = files_there(tmp_path, file)
    with pytest.raises(UserError, match=r"a\.png did not arrive whole"):
        there.keep(file, b"sen")
    (tmp_path / "lic-bench").rmdir()
    (tmp_path / "lic-bench").write_text("no folder")
    with pytest.raises(UserError, match="Cannot write "):
        there.keep(file, b"sent")
    with pytest.raises(UserError, match=r"Cannot make .*; name another folder as scratch"):
        files_there(tmp_path, file)
