from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench.codecs.registry import find_programs, resolve_codec
from lic_bench.errors import UserError
from lic_bench.system.programs import InstalledCoder, ProgramError
from vtm.binaries import CONFIG, find_binaries, installed_coder, parse_version

MakeVtm = Callable[..., Path]


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("VVCSoftware: VTM Encoder Version 9.1 [Linux][GCC 12.2.0][64 bit] [SIMD=AVX2] ", "9.1"),
        ("VVCSoftware: VTM Decoder Version 18.0 [Mac OS X][clang 14.0.0][64 bit] [SIMD=SCALAR] ", "18.0"),
        ("VVCSoftware: VTM Encoder Version 10.0.1 [Windows]", "10.0.1"),
        ("VVCSoftware: VTM Encoder Version 9.1rc1 [Linux]", "9.1rc1"),
        ("HM software: Encoder Version [16.20]", None),
        ("", None),
    ],
)
def test_the_version_is_the_banners(line: str, version: str | None) -> None:
    assert parse_version(line) == version


def test_root_variable_and_path_are_looked_in(
    make_vtm: MakeVtm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = [make_vtm(tmp_path / name) for name in ("given", "named", "path")]
    monkeypatch.delenv("VTM_ROOT", raising=False)
    monkeypatch.setenv("PATH", str(roots[2] / "bin"))
    assert find_binaries("9.1").encoder == roots[2] / "bin" / "EncoderAppStatic"
    monkeypatch.setenv("VTM_ROOT", str(roots[1]))
    assert find_binaries("9.1").encoder == roots[1] / "bin" / "EncoderAppStatic"
    there = find_binaries("9.1", roots[0])
    assert there.encoder == roots[0] / "bin" / "EncoderAppStatic"
    assert there.decoder == roots[0] / "bin" / "DecoderAppStatic"
    assert there.config == roots[0] / "cfg" / CONFIG
    assert there.version == "9.1"


def test_the_configuration_may_lie_beside_the_folder_with_the_programs(make_vtm: MakeVtm, tmp_path: Path) -> None:
    root = make_vtm(tmp_path / "VTM" / "build", config="../cfg")
    assert find_binaries("9.1", root).config.resolve() == (tmp_path / "VTM" / "cfg" / CONFIG).resolve()


def test_what_is_missing_is_named(make_vtm: MakeVtm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VTM_ROOT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramError, match=r"^EncoderAppStatic is not on PATH or below \$VTM_ROOT\.$"):
        find_binaries("9.1")
    monkeypatch.setenv("VTM_ROOT", str(tmp_path / "named"))
    with pytest.raises(ProgramError, match=r"^EncoderAppStatic is not in \$VTM_ROOT, .*; PATH is not searched while"):
        find_binaries("9.1")
    with pytest.raises(ProgramError, match=r"^EncoderAppStatic is not in .*/empty or its bin/\.$"):
        find_binaries("9.1", tmp_path / "empty")
    root = make_vtm(tmp_path / "vtm")
    (root / "cfg" / CONFIG).unlink()
    with pytest.raises(ProgramError, match=f"{CONFIG} is in no cfg/ above .*EncoderAppStatic"):
        find_binaries("9.1", root)
    (root / "bin" / "DecoderAppStatic").unlink()
    with pytest.raises(ProgramError, match="DecoderAppStatic is not in"):
        find_binaries("9.1", root)


def test_a_program_that_is_not_vtm_is_refused(make_vtm: MakeVtm, tmp_path: Path) -> None:
    root = make_vtm(tmp_path)
    (root / "bin" / "EncoderAppStatic").write_text("#!/bin/sh\necho HM software\n")
    with pytest.raises(ProgramError, match="does not say that it is VTM; its first line is 'HM software'"):
        find_binaries("9.1", root)


def test_encoder_and_decoder_must_be_of_one_version(make_vtm: MakeVtm, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"EncoderAppStatic is VTM 9\.1, .*DecoderAppStatic is 9\.3"):
        find_binaries("9.1", make_vtm(tmp_path, decoder="9.3"))


def test_another_version_is_asked_for_by_its_own_name(make_vtm: MakeVtm, tmp_path: Path) -> None:
    root = make_vtm(tmp_path, "18.0", "18.0")
    with pytest.raises(
        ProgramError, match=r"is VTM 18\.0, not 9\.1: ask for the codec vtm-18\.0, or name .* two runs\.$"
    ):
        find_binaries("9.1", root)
    spec = resolve_codec("vtm-18.0")
    assert (spec.name, spec.label, spec.published) == ("vtm-18.0", "VTM-18.0", None)
    assert "--branch VTM-18.0 " in spec.install
    files = (root / "bin/EncoderAppStatic", root / "bin/DecoderAppStatic", root / "cfg/encoder_intra_vtm.cfg")
    assert installed_coder(**spec.settings, vtm_root=root) == InstalledCoder("18.0", "ycbcr10", str(files[0]), files)


def test_what_is_no_release_is_no_codec_to_ask_for(make_vtm: MakeVtm, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"is VTM 9\.1rc1, not 9\.1: name the folder of VTM 9\.1 by --vtm-root; "):
        find_binaries("9.1", make_vtm(tmp_path, "9.1rc1", "9.1rc1"))


def test_an_unknown_mode_is_named_before_anything_is_looked_for() -> None:
    with pytest.raises(
        ValueError, match=r"--vtm-colour 'ycbcr': unknown\. Did you mean 'ycbcr8'\? Allowed: ycbcr8, ycbcr10"
    ):
        installed_coder(vtm_colour="ycbcr")


def test_the_harness_says_which_codec_lacks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTM_ROOT", str(tmp_path))
    with pytest.raises(
        UserError, match=r"^Codec 'vtm-9.1': EncoderAppStatic is not .* `lic-bench doctor --verbose` says how"
    ):
        find_programs(resolve_codec("vtm"))
