"""The doctor: every finding with its fix, quickly, on machines that have nothing and on machines that have all."""

import subprocess
import sys
from dataclasses import replace

import pynvml
import pytest

from lic_bench.codecs import registry
from lic_bench.codecs.registry import find_codecs
from lic_bench.spec import Checkpoint
from lic_bench.terminal.doctor import all_findings
from lic_bench.terminal.findings import Finding


def by_name(findings) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with an empty PATH, no driver, no data and no weights."""
    for name in ("LIC_BENCH_DATA", "LIC_BENCH_CHECKPOINTS", "CXX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def no_driver():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    return tmp_path


def test_a_bare_machine_is_told_everything_with_the_fix(bare):
    rows = by_name(all_findings())
    assert rows["Python"].status == "ok"
    assert rows["GPU"].status == "warning"
    assert (rows["C++ compiler"].status, rows["C++ compiler"].fix) == ("warning", "apt-get install g++")
    for name in ("kodak", "clic", "tecnick"):
        row = rows[f"data set {name}"]
        assert (row.status, row.fix) == ("missing", f"lic-bench fetch {name}")
        assert str(bare / "cache") in row.detail
    assert rows["data set sample"].status == "ok"
    assert all(row.fix for row in rows.values() if row.status == "missing")
    assert {row.status for row in rows.values()} == {"ok", "missing", "warning"}


def test_what_is_there_is_ok(bare, monkeypatch):
    for name in ("c++", "nvcc"):
        executable(bare / name, "")
    rows = by_name(all_findings())
    assert rows["C++ compiler"].detail == str(bare / "c++")
    for name in ("C++ compiler", "nvcc"):
        assert rows[name].status == "ok"
        assert not rows[name].fix


def executable(path, line):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{line}'\n")
    path.chmod(0o755)


def test_a_codec_of_other_programs_has_its_version_or_the_way_to_it(bare, monkeypatch):
    monkeypatch.delenv("VTM_ROOT", raising=False)
    missing = by_name(all_findings())["vtm-9.1"]
    assert (missing.status, missing.detail) == ("warning", "EncoderAppStatic is not on PATH or below $VTM_ROOT.")
    assert "git clone --depth 1 --branch VTM-9.1" in missing.fix
    for name in ("Encoder", "Decoder"):
        executable(bare / "vtm" / "bin" / f"{name}AppStatic", f"VVCSoftware: VTM {name} Version 9.1 [Linux]")
    (bare / "vtm" / "cfg").mkdir()
    (bare / "vtm" / "cfg" / "encoder_intra_vtm.cfg").write_text("")
    there = by_name(all_findings(vtm_root=bare / "vtm"))["vtm-9.1"]
    assert (there.status, there.fix) == ("ok", "")
    assert there.detail == f"version 9.1, {bare / 'vtm' / 'bin' / 'EncoderAppStatic'}"
    monkeypatch.setenv("VTM_ROOT", str(bare / "vtm"))
    assert by_name(all_findings())["vtm-9.1"] == there


def test_weights_are_counted_in_the_folders_that_the_run_uses(bare, monkeypatch):
    spec = find_codecs()["tcm-large"]
    (file,) = [checkpoint.file for checkpoint in spec.checkpoints.values()]
    missing = by_name(all_findings())["weights of tcm-large"]
    assert missing.status == "warning"
    assert file in missing.detail
    assert missing.fix == "lic-bench fetch weights --codecs tcm-large"
    (bare / "weights" / "tcm-large").mkdir(parents=True)
    (bare / "weights" / "tcm-large" / file).write_bytes(b"")
    assert by_name(all_findings(checkpoints=bare / "weights"))["weights of tcm-large"].status == "ok"
    monkeypatch.setenv("LIC_BENCH_CHECKPOINTS", str(bare / "weights"))
    assert by_name(all_findings())["weights of tcm-large"].status == "ok"


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("https://host/q2.pth", "lic-bench fetch weights --codecs net"),
        ("https://drive.google.com/drive/folders/x", "lic-bench fetch weights --codecs net"),
        ("https://github.com/example/weights", "from https://github.com/example/weights into "),
    ],
)
def test_weights_that_can_be_downloaded_have_their_command(bare, monkeypatch, url, fix):
    checkpoints = {q: Checkpoint(file=f"q{q}.pth", url=url) for q in (1, 2)}
    spec = replace(find_codecs()["elic"], name="net", aliases=(), checkpoints=checkpoints)
    monkeypatch.setitem(registry._plugins, "net", spec)
    assert by_name(all_findings())["weights of net"].fix.startswith(fix)
    folder = bare / "my weights"
    folder.mkdir()
    into = f" --checkpoints '{folder}'" if "fetch" in fix else f"{folder}, or give --checkpoints"
    assert by_name(all_findings(checkpoints=folder))["weights of net"].fix == fix + into


def test_codecs_without_published_weights_say_so(bare):
    assert "none are published" in by_name(all_findings())["weights of cheng2020-parallel"].detail


def test_weights_of_a_training_count(bare):
    folder = bare / "trained"
    (folder / "mambavc").mkdir(parents=True)
    for quality in (1, 4):
        (folder / f"mambavc/mambavc-q{quality}.pth").touch()
    found = by_name(all_findings(checkpoints=folder))["weights of mambavc"]
    assert (found.status, found.detail) == ("ok", "2 of 6 qualities")


def test_wrong_images_are_a_warning(bare):
    from PIL import Image as pil

    (bare / "root" / "kodak").mkdir(parents=True)
    pil.new("RGB", (768, 512)).save(bare / "root" / "kodak" / "kodim01.png")
    found = [row for row in all_findings(data_root=bare / "root") if row.what == "data set kodak"]
    assert [row.status for row in found] == ["warning", "warning"]
    assert "1 images" in found[0].detail
    assert "not the known pixels" in found[1].detail


def test_it_needs_no_torch():
    code = "import sys, lic_bench.terminal.doctor as d; d.all_findings(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
