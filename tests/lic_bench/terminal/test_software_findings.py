from types import SimpleNamespace

import pynvml

from lic_bench.machine import nvml
from lic_bench.terminal import software_findings
from lic_bench.terminal.software_findings import gpu_findings, package_findings


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
    monkeypatch.setattr(software_findings, "installed_version", lambda _: "2.6.0+cpu")
    gpu, torch_finding = gpu_findings()
    assert (gpu.what, gpu.detail) == ("GPU 0", "Some GPU, 24 GiB, driver 570.1")
    assert (torch_finding.status, "CPUs only" in torch_finding.detail) == ("warning", True)


def test_packages_that_are_missing_or_not_as_pinned_are_rows_of_their_own(monkeypatch):
    wanted = ["torch>=2.6", "compressai==1.2.8", "nothing-of-the-kind>=1", "ruff; extra == 'dev'"]
    monkeypatch.setattr(software_findings, "requires", lambda _: wanted)
    versions = {"torch": "2.15.0", "compressai": "1.2.6"}
    monkeypatch.setattr(software_findings, "installed_version", versions.get)
    findings = {finding.what: finding for finding in package_findings()}
    assert list(findings) == ["compressai", "nothing-of-the-kind", "packages"]
    assert (findings["compressai"].status, findings["compressai"].fix) == ("warning", "pip install 'compressai==1.2.8'")
    assert findings["nothing-of-the-kind"].status == "missing"
    assert findings["packages"].detail == "torch 2.15.0"
