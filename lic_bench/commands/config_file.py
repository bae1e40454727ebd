"""`lic-bench run FILE`: options from a TOML file, or from the run.json of an earlier run; those given beside it win."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from lic_bench.codecs.registry import find_codec
from lic_bench.errors import UserError, unknown
from lic_bench.store.run_json import read_run_json

# Fields of run.json's configuration that are options of the same name.
SAME_NAME = (
    *("codecs", "measure", "device", "threads", "repeats", "budget", "starts", "isolate", "limit", "crop", "quick"),
    *("convert", "batch", "save", "match", "metrics"),
)
WRITTEN = "lic_bench.commands.config_file"  # in the context's `meta`: option -> "FILE: KEY", as the file has it
SUBJECTS = {"codec": "codecs", "data set": "datasets", "weights of": "weights"}  # beginning of an error -> option


def use_as_defaults(context: typer.Context, file: Path | None) -> Path | None:
    """Make a file's options the defaults of the command. Raises UserError for what is no file of its options."""
    if file is None:
        return None
    flags = {
        flag.removeprefix("--"): (item, flag in item.secondary_opts)
        for item in context.command.params
        for flag in (*item.opts, *item.secondary_opts)
        if flag.startswith("--")
    }
    defaults: dict[str, Any] = {}
    written = context.meta.setdefault(WRITTEN, {})
    for key, value in _options_of(file / "run.json" if file.is_dir() else file).items():
        if (name := key.replace("_", "-")) not in flags:
            raise unknown(f"option in {file}:", key, flags)
        item, negative = flags[name]
        if item.name in defaults:
            raise UserError(f"{file}: {key} is there twice, under two names; leave one out.")
        defaults[item.name] = _value(context, f"{file}: {key}", value, item, negative=negative)
        written[item.name] = f"{file}: {key}"
    context.default_map = {**(context.default_map or {}), **defaults}
    return file


@contextmanager
def naming_file(context: typer.Context) -> Iterator[None]:
    """Raise a UserError about an option that the file gave again, with file and key before it."""
    try:
        yield
    except UserError as error:
        if (text := with_source(context, str(error))) == str(error):
            raise
        raise UserError(text) from None


def with_source(context: typer.Context, message: str) -> str:
    """An error's message; if it is about an option that the file gave, with file and key before it."""
    about = message.partition("; ")[0]  # what follows is advice, which names other options
    name = next(iter(re.findall(r"--([a-z][a-z-]*)", about)), "").replace("-", "_")
    if not name:
        begins = about.removeprefix("Unknown ").lower()
        name = next((option for subject, option in SUBJECTS.items() if begins.startswith(subject)), "")
    source = context.get_parameter_source(name)
    return f"{context.meta[WRITTEN][name]}: {message}" if source and source.name == "DEFAULT_MAP" else message


def _value(context: typer.Context, source: str, value: Any, item: Any, *, negative: bool) -> Any:
    """The value of an option as the command line has it."""
    if getattr(item, "is_flag", False):
        if not isinstance(value, bool):
            raise UserError(f"{source} is {value!r}; write true or false.")
        return value != negative
    if getattr(item, "multiple", False):
        return _texts(value)
    if isinstance(value, dict):
        raise UserError(f"{source} is a table; write a text, a number or a list.")
    if isinstance(value, bool):
        raise UserError(f"{source} is {value!r}; write a text, a number or a list.")
    try:
        item.process_value(context, _text(value))
    except typer.BadParameter as error:
        kind = "whole number" if "integer" in str(error) else "number"
        raise UserError(f"{source} is {value!r}; write a {kind}.") from None
    except UserError as error:
        raise UserError(f"{source}: {error}") from None
    return _text(value)


def _options_of(file: Path) -> Mapping[str, Any]:
    if file.suffix == ".json":
        return _options_of_run(file)
    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:  # of the parser, and of bytes that are no text
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise UserError(f"Cannot read {file}: {reason}; give a TOML file of options, or a run's run.json.") from None


def _options_of_run(file: Path) -> dict[str, Any]:
    """The options with which the run of a run.json is made again. Weights are looked for, unless all were random."""
    try:
        config = read_run_json(file).get("config") or {}
    except UserError as error:
        problem = str(error).rpartition("; ")[0]
        raise UserError(f"{problem}; give a TOML file of options, or a run's run.json.") from None
    if config.get("sizes"):
        raise UserError(f"{file} is of a run over sizes; make it again by `lic-bench scale`.")
    options = {name: config[name] for name in SAME_NAME if config.get(name) not in (None, [])}
    options["datasets"] = [name.removesuffix(f"@{config.get('crop')}") for name in config.get("datasets") or ()]
    options["qualities"] = {codec: ladder for codec, ladder in (config.get("qualities") or {}).items() if ladder}
    kinds = [kind for of_codec in (config.get("weights") or {}).values() for kind in of_codec.values()]
    if kinds and all(str(kind).startswith("random") for kind in kinds):
        options["weights"] = "random"
    modes = [mode for codec, mode in (config.get("modes") or {}).items() if _has_colour_option(codec)]
    if modes:
        options["vtm_colour"] = modes[0]
    return options


def _has_colour_option(codec: str) -> bool:
    spec = find_codec(codec)
    return spec is not None and "vtm_colour" in spec.options


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
