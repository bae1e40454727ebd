import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lic_bench.run.encode_ahead import EncodeAhead
from lic_bench.system.programs import ProgramError, run_program


def ahead_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_tasks_are_done_in_their_order_and_raise_where_they_are_waited_for() -> None:
    done: list[int] = []
    ahead = EncodeAhead(1, {number: lambda n=number: done.append(n) or 1 // n for number in (2, 0, 1)})
    assert done == []
    ahead.wait("no task")
    ahead.wait(1)
    assert done == [2, 0, 1]
    ahead.wait(2)
    with pytest.raises(ZeroDivisionError):
        ahead.wait(0)
    ahead.close()
    assert ahead_threads() == []


def test_nothing_is_left_of_tasks_that_nobody_waited_for(tmp_path: Path) -> None:
    ahead = EncodeAhead(2, {1: lambda: (tmp_path / "made").touch()})
    ahead.close()
    assert not (tmp_path / "made").exists()
    assert ahead_threads() == []


class Interrupted(dict[object, object]):
    """Tasks during whose submission somebody stops the run."""

    def items(self) -> Iterator[tuple[object, object]]:  # type: ignore[override]  # no view, to stop in it
        yield from super().items()
        raise KeyboardInterrupt


def test_an_interrupt_while_tasks_are_begun_leaves_no_program_and_no_thread(tmp_path: Path) -> None:
    caught: list[str] = []

    def encode() -> None:
        try:
            run_program([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, timeout_s=600)
        except ProgramError as error:
            caught.append(str(error))

    ahead = EncodeAhead(1, Interrupted({1: encode, 2: encode}))
    with pytest.raises(KeyboardInterrupt):
        ahead.wait(1)
    ahead.close()
    assert ahead_threads() == []
    assert len(caught) == 1  # the second had not begun
    assert "was ended by SIGKILL" in caught[0]
