import io
from types import SimpleNamespace

import pynvml
from rich.console import Console

from lic_bench.machine import nvml
from lic_bench.terminal import findings
from lic_bench.terminal.findings import Finding, findings_table, gpu_findings, package_findings


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
    monkeypatch.setattr(findings, "installed_version", lambda _: "2.6.0+cpu")
    gpu, torch_finding = gpu_findings()
    assert (gpu.what, gpu.detail) == ("GPU 0", "Some GPU, 24 GiB, driver 570.1")
    assert (torch_finding.status, "CPUs only" in torch_finding.detail) == ("warning", True)


def test_packages_that_are_missing_or_not_as_pinned_are_rows_of_their_own(monkeypatch):
    wanted = ["torch>=2.6", "compressai==1.2.8", "nothing-of-the-kind>=1", "ruff; extra == 'dev'"]
    monkeypatch.setattr(findings, "requires", lambda _: wanted)
    versions = {"torch": "2.15.0", "compressai": "1.2.6"}
    monkeypatch.setattr(findings, "installed_version", versions.get)
    rows = {finding.what: finding for finding in package_findings()}
    assert list(rows) == ["compressai", "nothing-of-the-kind", "packages"]
    assert (rows["compressai"].status, rows["compressai"].fix) == ("warning", "pip install 'compressai==1.2.8'")
    assert rows["nothing-of-the-kind"].status == "missing"
    assert rows["packages"].detail == "torch 2.15.0"


def test_the_table_shows_every_finding_and_takes_brackets_literally():
    there = Finding(kind="coders", what="a", brief="a", status="ok", detail="[bold]x")
    missing = Finding(kind="coders", what="b", brief="b", status="missing", detail="", fix="do [it]")
    console = Console(file=io.StringIO(), width=100)
    console.print(findings_table([there, missing]))
    text = console.file.getvalue()
    for part in ("a", "ok", "[bold]x", "b", "missing", "do [it]"):
        assert part in text
