"""Finding VTM: its two programs, their configuration and their version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lic_bench.errors import hint
from lic_bench.system.programs import InstalledCoder, ProgramError, banner, need_program
from vtm import VERSION
from vtm.colour import DEFAULT, MODES

ENCODERS = ("EncoderAppStatic", "EncoderApp")
DECODERS = ("DecoderAppStatic", "DecoderApp")
CONFIG = "encoder_intra_vtm.cfg"
ROOT = "VTM_ROOT"
_VERSION = re.compile(r"VTM (?:Encoder|Decoder) Version (\S+)")
_RELEASE = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One VTM. version: of both programs."""

    encoder: Path
    decoder: Path
    config: Path
    version: str


def find_binaries(version: str, root: Path | None = None) -> Binaries:
    """VTM `version` below `root`, else below $VTM_ROOT, else on PATH. Raises ProgramError for what is missing."""
    encoder, decoder = (need_program(names, root, ROOT) for names in (ENCODERS, DECODERS))
    versions = [_version(program) for program in (encoder, decoder)]
    if versions[0] != versions[1]:
        raise ProgramError(f"{encoder} is VTM {versions[0]}, {decoder} is {versions[1]}: they must be of one version.")
    if versions[0] != version:
        raise ProgramError(f"{encoder} is VTM {versions[0]}, not {version}: {_advice(versions[0], version)}.")
    return Binaries(encoder, decoder, _config(encoder, root), version)


def installed_coder(version: str = VERSION, vtm_root: Path | None = None, vtm_colour: str = DEFAULT) -> InstalledCoder:
    """This VTM as `lic-bench run` and `doctor` show it. Raises ProgramError if it is missing, ValueError for a mode."""
    if vtm_colour not in MODES:
        raise ValueError(f"--vtm-colour {vtm_colour!r}: unknown.{hint(vtm_colour, MODES)} Allowed: {', '.join(MODES)}.")
    vtm = find_binaries(version, vtm_root)
    return InstalledCoder(vtm.version, vtm_colour, str(vtm.encoder), (vtm.encoder, vtm.decoder, vtm.config))


def parse_version(line: str) -> str | None:
    """The version in the first line that a VTM program writes; None if it is not VTM's."""
    match = _VERSION.search(line)
    return match[1] if match else None


def _advice(actual: str, wanted: str) -> str:
    """What to do if the version `actual` is in the place of `wanted`."""
    own = f"ask for the codec vtm-{actual}, or " if _RELEASE.fullmatch(actual) else ""
    return f"{own}name the folder of VTM {wanted} by --vtm-root; a run has one VTM, two versions are two runs"


def _version(program: Path) -> str:
    line = banner(program, "--help")
    version = parse_version(line)
    if version is None:
        raise ProgramError(f"{program} does not say that it is VTM; its first line is {line[:80]!r}.")
    return version


def _config(encoder: Path, root: Path | None) -> Path:
    """The configuration in the cfg/ nearest above the encoder, else in that of `root` or beside `root`."""
    homes = [*encoder.parents[:5], *encoder.resolve().parents[:5], *([root, root.parent] if root else [])]
    places = [home / "cfg" / CONFIG for home in homes]
    config = next((place.absolute() for place in places if place.is_file()), None)
    if config is None:
        raise ProgramError(f"{CONFIG} is in no cfg/ above {encoder}; keep VTM's cfg/ folder beside its bin/.")
    return config
