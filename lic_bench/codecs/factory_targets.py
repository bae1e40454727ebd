"""A codec straight from Python: "package.module:factory", any network with CompressAI's calling convention."""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args

from lic_bench.codecs.process_settings import kept_settings
from lic_bench.errors import UserError, hint, unknown
from lic_bench.spec import Argument, Checkpoint, CodecSpec, Padding

OPTIONS = ("padding", "place", "qualities", "weights")
PLACES: dict[str, Literal["centre", "corner"]] = {"centre": "centre", "corner": "corner"}
OWN = "own"
COMPRESSAI_QUALITIES = tuple(range(1, 9))  # of the models in compressai.zoo, some of which stop at 6
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(:|$)")


def is_target(name: str) -> bool:
    """Whether a codec's name is a target, "package.module:factory"; no other name has a colon."""
    return ":" in name


def target_label(name: str) -> str:
    """What a target is called in tables and figures: "factory:padding=128 (package.module)".

    The module and how it pads tell versions of one network apart; whose weights they are, footnotes say.
    """
    module, attribute, *options = name.split(":")
    shown = [option for option in options if option.startswith(("padding=", "place="))]
    return f"{':'.join([attribute, *shown])} ({module})"


def spec_of_target(text: str) -> CodecSpec:
    """The codec that "package.module:attribute" names, the current folder being importable as for `python -m`.

    The attribute is a CodecSpec, taken as it is, or a factory: a function that gives a torch.nn.Module with
    CompressAI's compress, decompress, forward and update, or such a class itself. It is called with those of these
    arguments that it has, by keyword; every other argument must have a default:
        state: the content of the weights file, or None for fresh weights. A factory without it gets its file loaded
            by `codecs.weights.load_any`.
        quality: int; the ladder is then 1..8 unless `qualities` says otherwise. Without it there is one quality, 1.
        pretrained: bool, True with weights=own, else False.
    Options follow, separated by colons: "package.module:factory:padding=128:place=centre".
        padding=N: the multiple of pixels that the network needs (64). place=corner or centre: where zeros go (corner).
        qualities=A..B or A: the ladder.
        weights=own: what the factory gives is trained; its records then count as quality. Otherwise weights are those
            of --checkpoints, in <factory>.pth, or <factory>-q<quality>.pth where the ladder is longer than one; else
            fresh ones from a fixed seed, marked "random".
    The text itself is the codec's name in records and run.json.
    Raises UserError for a target that cannot be imported, found or called, and for an unknown option.
    """
    if not _TARGET.match(text):
        raise UserError(f"Codec {text!r}: write package.module:factory, then options such as :padding=128.")
    module, attribute, *options = text.split(":")
    factory = _attribute(text, _imported(text, module), attribute)
    if isinstance(factory, CodecSpec):
        if options:
            raise UserError(f"Codec {text!r}: a CodecSpec takes no options; change it where it is written.")
        return factory
    if not callable(factory):
        raise UserError(
            f"Codec {text!r}: {attribute} is of type {type(factory).__name__}; name a function or class that gives a "
            "torch.nn.Module, or a CodecSpec."
        )
    return _spec(text, _arguments(text, factory), _options(text, options))


def _spec(text: str, arguments: tuple[Argument, ...], options: dict[str, str]) -> CodecSpec:
    module, attribute = text.split(":")[:2]
    weights = options.get("weights")
    if weights not in (None, OWN):
        raise UserError(f"Codec {text!r}: weights={weights} is unknown; write weights={OWN}.")
    own = weights == OWN
    usual = COMPRESSAI_QUALITIES if "quality" in arguments else (1,)
    qualities = _qualities(text, options["qualities"]) if "qualities" in options else usual
    if own and len(qualities) > 1 and "quality" not in arguments:
        raise UserError(f"Codec {text!r}: {attribute} takes no quality, so weights=own has one; leave qualities out.")
    names = {q: f"{attribute}-q{q}.pth" if len(qualities) > 1 else f"{attribute}.pth" for q in qualities}
    return CodecSpec(
        name=text,
        label=target_label(text),
        kind="learned",
        load=f"{module}:{attribute}",
        arguments=arguments,
        own_weights=own,
        qualities=qualities,
        padding=_padding(text, options.get("padding", "64"), options.get("place", "corner")),
        checkpoints={} if own else {quality: Checkpoint(file=name) for quality, name in names.items()},
    )


def _imported(text: str, module: str) -> ModuleType:
    folder = str(Path.cwd())
    if not {"", folder} & set(sys.path):
        sys.path.insert(0, folder)
    try:
        with kept_settings():
            return importlib.import_module(module)
    except (Exception, SystemExit) as error:  # other people's code
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
            where = f"in {folder} or among the installed packages"
            raise UserError(f"Codec {text!r}: there is no module {error.name!r} {where}.") from None
        line = " ".join(str(error).split())
        raise UserError(f"Codec {text!r}: importing {module} fails: {type(error).__name__}: {line}") from None


def _attribute(text: str, module: ModuleType, name: str) -> object:
    if not hasattr(module, name):
        public = [known for known in dir(module) if not known.startswith("_")]
        raise UserError(f"Codec {text!r}: {module.__name__} has no {name!r}.{hint(name, public)}")
    return getattr(module, name)


def _arguments(text: str, factory: Callable[..., object]) -> tuple[Argument, ...]:
    """Which of the arguments we know the factory takes; one that it needs and we do not know is an error."""
    known = get_args(Argument)
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # some builtins have none
        raise UserError(f"Codec {text!r}: its signature cannot be read; wrap it in a function.") from None
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    variadic = [p for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p.name for p in parameters if p.default is p.empty and p not in variadic]
    if strange := [name for name in needed if name not in known or name not in named]:
        raise UserError(
            f"Codec {text!r}: it needs {strange[0]!r}, which nobody gives; write a factory that needs none but "
            f"{', '.join(known)}."
        )
    return tuple(name for name in known if name in named)


def _options(text: str, parts: Sequence[str]) -> dict[str, str]:
    pairs = [part.partition("=") for part in parts]
    for name, equals, value in pairs:
        if name not in OPTIONS:
            raise unknown(f"option in {text!r}:", name, OPTIONS)
        if not equals or not value:
            raise UserError(f"Codec {text!r}: the option {name} has no value; write {name}=...")
    options = {name: value for name, _, value in pairs}
    if len(options) < len(pairs):
        raise UserError(f"Codec {text!r}: an option is there twice; give each once.")
    return options


def _padding(text: str, multiple: str, place: str) -> Padding:
    if not multiple.isdecimal() or int(multiple) < 1:
        raise UserError(f"Codec {text!r}: padding={multiple} is no number of pixels; write padding=64.")
    if place not in PLACES:
        raise UserError(f"Codec {text!r}: place={place} is unknown; allowed: {', '.join(PLACES)}.")
    return Padding(multiple=int(multiple), place=PLACES[place])


def _qualities(text: str, value: str) -> tuple[int, ...]:
    first, dots, last = value.partition("..")
    last = last if dots else first
    if not (first.isdecimal() and last.isdecimal()) or not 0 <= int(last) - int(first) < 1000:
        raise UserError(f"Codec {text!r}: qualities={value} is no range; write qualities=1..6, or one number.")
    return tuple(range(int(first), int(last) + 1))
