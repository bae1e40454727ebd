"""Finding codecs by name. A codec is a folder whose codec.py holds SPEC, or SPECS for several, loaded when used."""

import importlib
import importlib.util
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import cast

from lic_bench.codecs.factory_targets import is_target, spec_of_target
from lic_bench.codecs.process_settings import kept_settings
from lic_bench.codecs.variants import variants_in, with_variants
from lic_bench.errors import UserError, unknown
from lic_bench.spec import VARIANT_MARK, CodecSpec
from lic_bench.system.option_lists import split_list
from lic_bench.system.programs import InstalledCoder, ProgramError

ENTRY_POINTS = "lic_bench.codecs"
DOCTOR_HINT = " `lic-bench doctor --verbose` says how to get it."
VERSION = re.compile(r"\d+(\.\d+)*")
_plugins: dict[str, CodecSpec] = {}


def add_plugin(folder: Path) -> tuple[CodecSpec, ...]:
    """Register the codecs of a folder (codec.py with SPEC) for this process; the folder becomes a package."""
    file = folder / "codec.py"
    if not file.is_file():
        raise UserError(f"--plugin {folder}: no codec.py there; a codec is a folder whose codec.py holds SPEC.")
    name, parent = folder.resolve().name, str(folder.resolve().parent)
    if name in sys.modules and parent not in {str(Path(p).parent) for p in getattr(sys.modules[name], "__path__", [])}:
        raise UserError(f"--plugin {folder}: a Python module {name!r} is in use already; rename the folder.")
    if parent not in sys.path:
        sys.path.append(parent)
    try:
        with kept_settings():
            specs = _specs_of(importlib.import_module(f"{name}.codec"))
    except (Exception, SystemExit) as error:  # other people's code
        raise UserError(f"--plugin {folder}: codec.py fails: {type(error).__name__}: {_one_line(error)}") from None
    return tuple(_register(spec, f"--plugin {folder}") for spec in specs)


def find_codecs() -> dict[str, CodecSpec]:
    """name -> SPEC of every codec: built in, installed through the entry-point group, and plugins."""
    return {**installed_codecs(), **_plugins}


@cache
def installed_codecs() -> Mapping[str, CodecSpec]:
    """name -> SPEC of the codecs that are built in or installed through the entry-point group."""
    specs: dict[str, CodecSpec] = {}
    for module in _builtin_modules():
        specs |= {spec.name: spec for spec in _specs_of(importlib.import_module(module))}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            with kept_settings():
                loaded = point.load()
        except (Exception, SystemExit) as error:  # one broken package must not take the other codecs with it
            fault = f"cannot be imported: {_one_line(error)}"
        else:
            if isinstance(loaded, CodecSpec):
                specs[loaded.name] = loaded
                continue
            fault = f"is a {type(loaded).__name__}, not a CodecSpec"
        warnings.warn(f"codec {point.name!r} of {point.value!r} {fault}", stacklevel=2)
    return dict(sorted(specs.items()))


def resolve_codec(name: str) -> CodecSpec:
    """The codec of this name or alias, which variants may follow. Raises UserError for an unknown one.

    A name with a colon is a target, "package.module:factory", from which codecs.factory_targets.spec_of_target makes
    the codec. A CodecSpec found there is registered like a plugin, under its own name.
    """
    return with_variants(_resolve_base(name.partition(VARIANT_MARK)[0]), variants_in(name))


def _resolve_base(name: str) -> CodecSpec:
    if is_target(name):
        target = spec_of_target(name)
        return target if target.name == name else _register(target, f"Codec {name!r}")
    spec = find_codec(name)
    if spec is None:
        raise unknown("codec", name, _specs_by_name())
    return spec


def find_codec(name: str) -> CodecSpec | None:
    """The codec of a stored name; None for a name that is not known now, and for a target."""
    base, mark, _ = name.partition(VARIANT_MARK)
    if mark:
        spec = find_codec(base)
        try:
            return spec and with_variants(spec, variants_in(name))
        except UserError:
            return None
    by_name = _specs_by_name()
    specs = by_name.values()
    return by_name.get(name) or _spec_of_version(name, specs) or _spec_of_ablation(name, specs)


def check_installed(spec: CodecSpec) -> None:
    """Raise UserError if a Python module that the codec needs is not installed."""
    missing = [name for name in spec.requires if not _is_importable(name)]
    if missing:
        raise UserError(f"Codec {spec.name!r} needs the Python module {missing[0]}: {spec.install or 'install it'}.")


def find_programs(spec: CodecSpec) -> InstalledCoder | None:
    """The programs that this codec runs; None if it needs none. Raises UserError if they are not there."""
    if spec.programs is None:
        return None
    try:
        with kept_settings():
            return cast(Callable[..., InstalledCoder], load_target(spec.programs))(**spec.settings)
    except ProgramError as error:
        raise UserError(f"Codec {spec.name!r}: {error}{DOCTOR_HINT}") from None
    except ValueError as error:
        raise UserError(f"Codec {spec.name!r}: {error}") from None


def load_target(target: str) -> object:
    """The object that "package.module:name" names."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _specs_by_name() -> dict[str, CodecSpec]:
    specs = find_codecs()
    return {alias: spec for spec in specs.values() for alias in spec.aliases} | specs


def _spec_of_version(name: str, specs: Iterable[CodecSpec]) -> CodecSpec | None:
    """The codec called `name` if it is a known one in another version: vtm-18.0 beside vtm-9.1."""
    for spec in specs:
        stem = spec.name.removesuffix(spec.version)
        version = name.removeprefix(stem)
        if spec.version and stem + version == name and VERSION.fullmatch(version):
            return replace(
                spec,
                name=name,
                label=spec.label.replace(spec.version, version),
                install=spec.install.replace(spec.version, version),
                settings={**spec.settings, "version": version},
                version=version,
                aliases=(),
                published=None,
                fills="",
            )
    return None


def _spec_of_ablation(name: str, specs: Iterable[CodecSpec]) -> CodecSpec | None:
    """The codec called `name` if it is an ablation that a known one declares: lalic-aft beside lalic."""
    for spec in specs:
        ablation = name.removeprefix(f"{spec.name}-")
        if ablation != name and ablation in spec.ablations:
            return replace(
                spec,
                name=name,
                label=spec.ablations[ablation],
                settings={**spec.settings, "ablation": ablation},
                ablations={},
                checkpoints={},
                shipped=None,
                aliases=(),
                published=None,
                fills="",
            )
    return None


def _register(spec: CodecSpec, source: str) -> CodecSpec:
    others = [other for other in find_codecs().values() if other is not spec]
    taken = {name for other in others for name in (other.name, *other.aliases)}
    if clash := sorted(taken & {spec.name, *spec.aliases}):
        raise UserError(f"{source}: the name {clash[0]!r} belongs to a codec already; choose another.")
    _plugins[spec.name] = spec
    return spec


def _builtin_modules() -> Iterator[str]:
    for package in ("lalic", "vtm"):
        if _folder_of(package, "codec.py"):
            yield f"{package}.codec"
    adapters = _folder_of("adapters", "__init__.py")
    if adapters:
        for file in sorted(adapters.glob("*/codec.py")):
            yield f"adapters.{file.parent.name}.codec"


def _folder_of(package: str, file: str) -> Path | None:
    """The package's folder that holds this file; None if there is none."""
    module = importlib.util.find_spec(package)
    for location in (module.submodule_search_locations or ()) if module else ():
        if (Path(location) / file).is_file():
            return Path(location)
    return None


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package is missing
        return False


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _specs_of(module: ModuleType) -> tuple[CodecSpec, ...]:
    """SPEC of a codec.py, or SPECS where one folder holds several codecs."""
    specs = getattr(module, "SPECS", None) or (getattr(module, "SPEC", None),)
    if not isinstance(specs, tuple) or not all(isinstance(spec, CodecSpec) for spec in specs):
        raise UserError(f"{module.__file__}: SPEC is missing or not a lic_bench.spec.CodecSpec.")
    return specs


def choose_codecs(text: str) -> list[CodecSpec]:
    """The codecs of --codecs, aliases resolved."""
    return list({spec.name: spec for spec in map(resolve_codec, split_list(text, "--codecs"))}.values())
