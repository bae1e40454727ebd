"""`lic-bench run FILE`: options from a TOML file, or from the run.json of an earlier run; those given beside it win."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from lic_bench.errors import UserError, unknown
from lic_bench.store.run_json import read_run_json

# Fields of run.json's configuration that are options of the same name.
SAME_NAME = (
    *("codecs", "datasets", "measure", "device", "threads", "repeats", "budget", "starts", "isolate", "limit", "crop"),
    "quick",
)


def use_as_defaults(context: typer.Context, file: Path | None) -> Path | None:
    """Make a file's options the defaults of the command. Raises UserError for what is no file of its options."""
    if file is None:
        return None
    parameters = {item.name: item for item in context.command.params if item.name != "config"}
    given = _options_of(file / "run.json" if file.is_dir() else file)
    defaults: dict[str, Any] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in parameters:
            raise unknown(f"option in {file}:", key, [str(known).replace("_", "-") for known in parameters])
        if getattr(parameters[name], "multiple", False):
            defaults[name] = _texts(value)
        else:
            defaults[name] = value if getattr(parameters[name], "is_flag", False) else _text(value)
    context.default_map = {**(context.default_map or {}), **defaults}
    return file


def _options_of(file: Path) -> Mapping[str, Any]:
    try:
        return _options_of_run(file) if file.suffix == ".json" else tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:  # of the parser, and of bytes that are no text
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise UserError(f"Cannot read {file}: {reason}; give a TOML file of options, or a run's run.json.") from None


def _options_of_run(file: Path) -> dict[str, Any]:
    """The options with which the run of a run.json is made again. Weights are looked for, unless all were random."""
    config = read_run_json(file).get("config") or {}
    if config.get("sizes"):
        raise UserError(f"{file} is of a run over sizes; make it again by `lic-bench scale`.")
    options = {name: config[name] for name in SAME_NAME if config.get(name) is not None}
    options["qualities"] = config.get("qualities") or {}
    kinds = [kind for of_codec in (config.get("weights") or {}).values() for kind in of_codec.values()]
    if kinds and all(str(kind).startswith("random") for kind in kinds):
        options["weights"] = "random"
    if modes := list((config.get("modes") or {}).values()):
        options["vtm_colour"] = modes[0]
    return options


def _text(value: Any) -> str:
    """A value as it is written on the command line: a list with commas."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _texts(value: Any) -> list[str]:
    """The values of an option that may be repeated: a table gives KEY=VALUE each, a list of texts each of them."""
    if isinstance(value, dict):
        return [f"{key}={_text(of_key)}" for key, of_key in value.items()]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return [_text(value)]
