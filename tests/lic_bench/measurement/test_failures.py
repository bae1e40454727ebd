"""How a failure is told: its kind and one line."""

import pytest

from lic_bench.errors import UserError
from lic_bench.measurement.failures import CodecFailure, Failure
from lic_bench.system.programs import ProgramError, ProgramTimeout


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("two\n  lines"), "error", "ValueError: two lines"),
        (KeyError(), "error", "KeyError: KeyError"),
        (UserError("written for users"), "error", "written for users"),
        (ProgramError("x failed"), "error", "x failed"),
        (ProgramTimeout("x was stopped"), "timeout", "x was stopped"),
        (CodecFailure("lost", "out_of_sync"), "out_of_sync", "lost"),
        (MemoryError(), "out_of_memory", "out of memory: MemoryError"),
        (RuntimeError("CUDA error: out of memory"), "out_of_memory", "out of memory: CUDA error: out of memory"),
    ],
)
def test_an_exception_has_a_kind_and_one_line(error: Exception, kind: str, message: str) -> None:
    assert Failure.of(error) == Failure(kind, message)


def test_an_exception_without_a_word_names_its_place() -> None:
    with pytest.raises(AssertionError) as caught:
        exec(compile("assert 1 == 2", "their_codec.py", "exec"))
    assert Failure.of(caught.value).message.startswith("AssertionError: in line 1 of their_codec.py")


def test_other_peoples_messages_are_bounded() -> None:
    assert len(Failure.of(RuntimeError("x" * 9999)).message) == 500
