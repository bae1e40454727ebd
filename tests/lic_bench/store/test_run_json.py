import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.store.records import SCHEMA
from lic_bench.store.run_json import Config, RunConfig, read_run_json, write_run_json

ROOT = Path(__file__).parents[3]
CONFIG = asdict(
    RunConfig(
        codecs=("a",), datasets=("d",), images={"d": 1}, qualities={"a": (1,)}, weights={"a": {"1": "random"}},
        measure=(), device="cpu", threads=1, repeats=1,
    )
)  # fmt: skip


def test_what_the_project_writes_is_read_back_as_plain_json(tmp_path: Path) -> None:
    values = {"schema": SCHEMA, "config": CONFIG, "more": {"of": [1]}}
    write_run_json(tmp_path / "run.json", values)
    assert read_run_json(tmp_path / "run.json") == json.loads(json.dumps(values))
    assert Config.model_fields.keys() == CONFIG.keys()


@pytest.mark.parametrize("run", sorted((ROOT / "results" / "measured").glob("*/run.json")), ids=str)
def test_runs_stored_earlier_are_read(run: Path) -> None:
    assert read_run_json(run) == {
        name: value for name, value in json.loads(run.read_text()).items() if value is not None
    }


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"threads": "1"}, "config.threads = '1' should be a valid integer"),
        ({"budget": float("nan")}, "config.budget = nan should be a finite number"),
        ({"qualities": {"a": [1.5]}}, "config.qualities.a.0 = 1.5 should be a valid integer"),
        ({"complexity_size": [1, 2, 3]}, "config.complexity_size = .1, 2, 3. should have at most 2 items"),
        ({"measure": None}, "config.measure = None should be a valid array"),
    ],
)
def test_a_wrong_value_is_one_line(tmp_path: Path, config: dict[str, Any], says: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"schema": SCHEMA, "config": CONFIG | config}))
    with pytest.raises(UserError, match=f"run.json: {says}.*; measure again with --fresh.$") as error:
        read_run_json(path)
    assert "\n" not in str(error.value)


integers, words = st.integers(0, 10**6), st.text(max_size=5)
numbers = st.floats() | integers


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """A configuration of any numbers and words."""
    codecs = draw(st.lists(words, unique=True, max_size=3))
    return asdict(
        RunConfig(
            codecs=tuple(codecs),
            datasets=tuple(draw(st.lists(words, max_size=2))),
            images=draw(st.dictionaries(words, integers, max_size=2)),
            qualities={codec: tuple(draw(st.lists(integers, max_size=3))) for codec in codecs},
            weights={codec: draw(st.dictionaries(words, words, max_size=2)) for codec in codecs},
            measure=("quality",),
            device=draw(words),
            threads=draw(integers),
            repeats=draw(integers),
            budget=draw(st.none() | numbers),
            starts=draw(st.none() | integers),
            crop=draw(st.none() | integers),
            sizes=tuple(draw(st.lists(integers, max_size=2))),
        )
    )


finite = st.floats(allow_nan=False) | integers
sections = st.none() | st.dictionaries(words, st.none() | words | finite | st.lists(words), max_size=2)
names = st.sampled_from(["a.png", "\udcff.png", "\\\udcff.png", "\ud800"])


@given(configs(), st.dictionaries(names, st.none() | words), st.none() | integers | words, sections)
def test_a_run_that_could_not_be_read_back_is_refused_at_once(
    config: dict[str, Any], images: dict[str, str | None], memory: Any, section: dict[str, Any] | None
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        environment = {"memory_bytes": memory, "processor": section, "gpu": section, "command": section}
        values = {"schema": SCHEMA, "config": config, "images": images, "environment": environment}
        try:
            write_run_json(path, values)
        except UserError as refused:
            said = str(refused)
        else:
            said = ""
            assert read_run_json(path) == json.loads(json.dumps(values))
        assert said == "" or (said.startswith("This run cannot be stored: ") and not path.exists())


def test_absent_parts_and_fields_are_free(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"schema": SCHEMA, "config": {"codecs": []}, "images": None}))
    assert read_run_json(path) == {"schema": SCHEMA, "config": {"codecs": []}}
