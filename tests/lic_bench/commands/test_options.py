"""The parameters of a command are the fields of the dataclass that it fills, with the same types."""

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from lic_bench.commands import analyze, compare, history, metrics, run, scale
from lic_bench.commands.options import fill
from lic_bench.compare import command as compare_command
from lic_bench.history import command as history_command
from lic_bench.run import session
from lic_bench.run.decoded_elsewhere.measured_pairs import MetricsOptions

CASES: list[tuple[Callable[..., None], type, set[str]]] = [
    (run.run, session.Options, {"context", "plugin", "config", "dry_run", "quiet", "as_json"}),
    (scale.scale, session.Options, {"plugin", "sizes", "memory_sizes"}),
    (analyze.analyze, session.Options, {"what", "run", "window", "plugin", "quiet"}),
    (compare.compare, compare_command.CompareOptions, set()),
    (history.history, history_command.HistoryOptions, {"context", "fail_on_open"}),
    (metrics.metrics, MetricsOptions, {"quiet", "as_json"}),
]


def plain(kind: Any) -> Any:
    """The type without None, and a list as the sequence that it is."""
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = [part for part in get_args(kind) if part is not type(None)]
    return Sequence[get_args(kind)] if get_origin(kind) in (list, Sequence) else kind


@pytest.mark.parametrize(("command", "options", "others"), CASES, ids=lambda case: getattr(case, "__name__", None))
def test_parameters_are_fields_of_the_same_type(command: Callable[..., None], options: type, others: set[str]) -> None:
    asked = {name: plain(kind) for name, kind in get_type_hints(command).items() if name != "return"}
    wanted = {name: plain(kind) for name, kind in get_type_hints(options).items()}
    assert asked.keys() - wanted.keys() == others
    assert {name: asked[name] for name in asked.keys() & wanted.keys()} == {
        name: wanted[name] for name in asked.keys() & wanted.keys()
    }


@pytest.mark.parametrize("case", [CASES[0], CASES[3], CASES[4]], ids=["run", "compare", "history"])
def test_every_field_can_be_given(case: tuple[Callable[..., None], type, set[str]]) -> None:
    command, options, _ = case
    assert {item.name for item in fields(options)} <= get_type_hints(command).keys()


def test_what_was_not_given_has_the_default_of_the_dataclass() -> None:
    @dataclass(frozen=True)
    class Options:
        codecs: str
        into: str = "here"
        qualities: Sequence[str] = ()
        fresh: bool = True

    given = {"codecs": "jpeg", "into": None, "qualities": ["1", "2"], "fresh": False, "plugin": "x"}
    assert fill(Options, given) == Options("jpeg", "here", ("1", "2"), False)
