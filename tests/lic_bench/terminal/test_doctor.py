"""The doctor: every finding with its fix, quickly, on machines that have nothing and on machines that have all."""

import io
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pynvml
import pytest
from rich.console import Console

from lic_bench.codecs import registry
from lic_bench.codecs.registry import find_codecs
from lic_bench.machine import nvml
from lic_bench.spec import Checkpoint
from lic_bench.terminal import doctor
from lic_bench.terminal.doctor import Row, check, render


def rows_of(part) -> dict[str, Row]:
    return {row.what: row for row in part}


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
    rows = rows_of(check())
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
    rows = rows_of(check())
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
    missing = rows_of(check())["vtm-9.1"]
    assert (missing.status, missing.detail) == ("warning", "EncoderAppStatic is not on PATH or below $VTM_ROOT.")
    assert "git clone --depth 1 --branch VTM-9.1" in missing.fix
    for name in ("Encoder", "Decoder"):
        executable(bare / "vtm" / "bin" / f"{name}AppStatic", f"VVCSoftware: VTM {name} Version 9.1 [Linux]")
    (bare / "vtm" / "cfg").mkdir()
    (bare / "vtm" / "cfg" / "encoder_intra_vtm.cfg").write_text("")
    there = rows_of(check(vtm_root=bare / "vtm"))["vtm-9.1"]
    assert (there.status, there.fix) == ("ok", "")
    assert there.detail == f"version 9.1, {bare / 'vtm' / 'bin' / 'EncoderAppStatic'}"
    monkeypatch.setenv("VTM_ROOT", str(bare / "vtm"))
    assert rows_of(check())["vtm-9.1"] == there


def test_weights_are_counted_in_the_folders_that_the_run_uses(bare, monkeypatch):
    spec = find_codecs()["elic"]
    (file,) = [checkpoint.file for checkpoint in spec.checkpoints.values()]
    missing = rows_of(check())["weights of elic"]
    assert missing.status == "warning"
    assert file in missing.detail
    assert spec.checkpoints[6].url in missing.fix
    (bare / "weights" / "elic").mkdir(parents=True)
    (bare / "weights" / "elic" / file).write_bytes(b"")
    assert rows_of(check(checkpoints=bare / "weights"))["weights of elic"].status == "ok"
    monkeypatch.setenv("LIC_BENCH_CHECKPOINTS", str(bare / "weights"))
    assert rows_of(check())["weights of elic"].status == "ok"


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("https://host/q2.pth", "lic-bench fetch weights --codecs net"),
        ("https://github.com/example/weights", "from https://github.com/example/weights into "),
    ],
)
def test_weights_that_can_be_downloaded_have_their_command(bare, monkeypatch, url, fix):
    checkpoints = {q: Checkpoint(file=f"q{q}.pth", url=url) for q in (1, 2)}
    spec = replace(find_codecs()["elic"], name="net", aliases=(), checkpoints=checkpoints)
    monkeypatch.setitem(registry._plugins, "net", spec)
    assert rows_of(check())["weights of net"].fix.startswith(fix)
    folder = bare / "my weights"
    folder.mkdir()
    into = f" --checkpoints '{folder}'" if "fetch" in fix else f"{folder}, or give --checkpoints"
    assert rows_of(check(checkpoints=folder))["weights of net"].fix == fix + into


def test_codecs_without_published_weights_say_so(bare):
    assert "none are published" in rows_of(check())["weights of cheng2020-parallel"].detail


def test_wrong_images_are_a_warning(bare):
    from PIL import Image as pil

    (bare / "root" / "kodak").mkdir(parents=True)
    pil.new("RGB", (768, 512)).save(bare / "root" / "kodak" / "kodim01.png")
    found = [row for row in check(data_root=bare / "root") if row.what == "data set kodak"]
    assert [row.status for row in found] == ["warning", "warning"]
    assert "1 images" in found[0].detail
    assert "not the known pixels" in found[1].detail


def test_a_gpu_is_described_and_a_cpu_build_of_torch_noticed(monkeypatch):
    for name, value in {
        "nvmlInit": None,
        "nvmlShutdown": None,
        "nvmlSystemGetDriverVersion": "570.1",
        "nvmlDeviceGetCount": 1,
        "nvmlDeviceGetHandleByIndex": object(),
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=24 * 2**30),
        "nvmlDeviceGetName": "Some GPU",
    }.items():
        monkeypatch.setattr(pynvml, name, lambda *_, value=value: value)
    monkeypatch.setattr(nvml, "library_is_open", lambda: True)
    monkeypatch.setattr(doctor, "_version", lambda _: "2.6.0+cpu")
    gpu, torch_row = doctor._gpu()
    assert (gpu.what, gpu.detail) == ("GPU 0", "Some GPU, 24 GiB, driver 570.1")
    assert (torch_row.status, "CPUs only" in torch_row.detail) == ("warning", True)


def test_packages_that_are_missing_or_not_as_pinned_are_rows_of_their_own(monkeypatch):
    wanted = ["torch>=2.6", "compressai==1.2.8", "nothing-of-the-kind>=1", "ruff; extra == 'dev'"]
    monkeypatch.setattr(doctor, "requires", lambda _: wanted)
    versions = {"torch": "2.15.0", "compressai": "1.2.6"}
    monkeypatch.setattr(doctor, "_version", versions.get)
    rows = rows_of(doctor._packages())
    assert list(rows) == ["compressai", "nothing-of-the-kind", "packages"]
    assert (rows["compressai"].status, rows["compressai"].fix) == ("warning", "pip install 'compressai==1.2.8'")
    assert rows["nothing-of-the-kind"].status == "missing"
    assert rows["packages"].detail == "torch 2.15.0"


def test_the_table_shows_every_row_and_takes_brackets_literally():
    rows = [Row(what="a", status="ok", detail="[bold]x"), Row(what="b", status="missing", detail="", fix="do [it]")]
    console = Console(file=io.StringIO(), width=100)
    console.print(render(rows))
    text = console.file.getvalue()
    for part in ("a", "ok", "[bold]x", "b", "missing", "do [it]"):
        assert part in text


def test_it_needs_no_torch():
    code = "import sys, lic_bench.terminal.doctor as d; d.render(d.check()); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
