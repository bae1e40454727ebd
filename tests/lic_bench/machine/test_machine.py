"""The parts of a machine's description, on the texts that kernels, torch and NVML give."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pynvml
import pytest
import torch

from lic_bench.machine import cpu, gpu, nvml, operating_system, published_settings, software, sysfs

linux = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc and /sys")
UUID = "GPU-8f0b6f2c-1234-5678-9abc-def012345678"


@linux
def test_the_processor_of_this_machine() -> None:
    found = cpu.describe_cpu()
    assert sysfs.parse_cpu_list(found["affinity"]) == sorted(os.sched_getaffinity(0))
    assert found["cores_physical"] == psutil.cpu_count(logical=False)
    assert cpu.cpu_model_name()
    assert isinstance(found["virtual"], bool)


def test_turbo_by_either_switch() -> None:
    assert cpu.turbo_allowed(0, None) is True
    assert cpu.turbo_allowed(1, 1) is False
    assert cpu.turbo_allowed(None, 1) is True
    assert cpu.turbo_allowed(None, 0) is False
    assert cpu.turbo_allowed(None, None) is None


def test_clocks_caches_and_governor_from_a_kernel_that_tells_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = min(os.sched_getaffinity(0)) if sys.platform == "linux" else 0
    files = {
        "online": "0-3",
        "smt/active": "1",
        "intel_pstate/no_turbo": "1",
        f"cpu{first}/cpufreq/scaling_governor": "powersave",
        f"cpu{first}/cpufreq/scaling_driver": "intel_pstate",
        f"cpu{first}/cpufreq/scaling_max_freq": "3500000",
        f"cpu{first}/cpufreq/scaling_cur_freq": "1200000",
        f"cpu{first}/topology/thread_siblings_list": "0,2",
        f"cpu{first}/cache/index0/level": "2",
        f"cpu{first}/cache/index0/type": "Unified",
        f"cpu{first}/cache/index0/size": "1024K",
    } | {f"cpu{n}/topology/physical_package_id": str(n // 2) for n in range(4)}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    monkeypatch.setattr(cpu, "CPUS", tmp_path)
    found = cpu.describe_cpu()
    expected = {"sockets": 2, "smt": True, "turbo": False, "governor": "powersave", "driver": "intel_pstate"}
    expected |= {"max_mhz": 3500.0, "now_mhz": 1200.0, "threads_per_core": 2, "caches_bytes": {"l2": 2**20}}
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("6.18.44-fc-v657-x86_64", "Linux 6.18.44, x86_64, glibc 2.39"),
        ("5.15.0-1084-someone", "Linux 5.15.0, x86_64, glibc 2.39"),
        ("unnumbered", "Linux, x86_64, glibc 2.39"),
    ],
)
def test_of_the_kernel_the_number_alone(release: str, said: str) -> None:
    assert operating_system.system_name("Linux", release, "x86_64", ("glibc", "2.39")) == said


def test_the_system_of_this_machine() -> None:
    told = operating_system.describe_system()["system"]
    assert told.startswith(platform.system())
    assert "-" not in told.split(",")[0]
    assert operating_system.system_name("Darwin", "24.1.0", "arm64", ("", "")) == "Darwin 24.1.0, arm64"


def test_control_groups() -> None:
    assert operating_system.parse_cgroups("4:cpu,cpuacct:/a\n0::/b:c\nbroken\n") == {
        "cpu": "/a",
        "cpuacct": "/a",
        "": "/b:c",
    }
    assert operating_system.parse_cpu_max("150000 100000") == 1.5
    assert (
        operating_system.parse_cpu_max("max 100000")
        is operating_system.parse_cpu_max(None)
        is operating_system.parse_cpu_max("")
        is None
    )
    assert operating_system.bracketed_choice("always [madvise] never") == "madvise"
    assert operating_system.bracketed_choice("nothing") is operating_system.bracketed_choice(None) is None


def test_the_tightest_limit_of_all_groups_above_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = operating_system.parse_cgroups(sysfs.read_text("/proc/self/cgroup") or "").get("", "/").strip("/")
    folder = tmp_path / own
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.max").write_text("400000 100000\n")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (tmp_path / "memory.max").write_text("1000000\n")
    monkeypatch.setattr(operating_system, "CGROUPS", tmp_path)
    found = operating_system.describe_container()
    assert found["cpu_limit"] == 4.0
    assert found["memory_limit_bytes"] == 1_000_000
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("50000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert operating_system.describe_container()["cpu_limit"] == 0.5


def test_no_limit_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating_system, "CGROUPS", tmp_path)
    found = operating_system.describe_container()
    assert (found["cpu_limit"], found["memory_limit_bytes"]) == (None, None)


def test_without_a_gpu_there_is_nothing_to_describe() -> None:
    assert gpu.describe_gpu(torch.device("cpu")) is None
    told = [value for value in gpu.describe_by_nvml(None).values() if value not in (None, [None, None])]
    assert told == []


def test_nvmls_numbers() -> None:
    assert gpu.format_cuda_version(12040) == "12.4"
    assert gpu.format_cuda_version(None) is None
    on, off = pynvml.NVML_FEATURE_ENABLED, pynvml.NVML_FEATURE_DISABLED
    assert [gpu.feature_enabled(mode) for mode in (on, off, [off, on], (on, off), None)] == [
        True,
        False,
        False,
        True,
        None,
    ]


def test_torchs_build_is_read_off_its_own_words() -> None:
    found = software.parse_torch_build(torch.__config__.show(), torch.__config__.parallel_info())
    assert len(found["sha256"]) == 12
    assert found["parallel_backend"]
    text = (
        "- GCC 13.3\n - Intel(R) oneAPI Math Kernel Library Version 2024.2-Product\n - Intel(R) MKL-DNN v3.13.3 (Git\n"
    )
    found = software.parse_torch_build(text + " - OpenMP 201511 (a.k.a.)\n BLAS_INFO=mkl, COMMIT_SHA=0123abcd,", "")
    assert (found["compiler"], found["mkl"], found["onednn"], found["openmp"]) == (
        "GCC 13.3",
        "2024.2",
        "3.13.3",
        "201511",
    )
    assert (found["blas"], found["commit"], found["mkl_threads"]) == ("mkl", "0123abcd", None)


def test_variables_that_matter_are_taken_and_secrets_are_not() -> None:
    found = published_settings.published_variables(
        {
            "OMP_NUM_THREADS": "4",
            "KMP_AFFINITY": "granularity=fine,compact,1,0",
            "CUDA_VISIBLE_DEVICES": f"0,{UUID}",
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
            "NVIDIA_API_KEY": "nvapi-abcdef",
            "LIC_BENCH_CACHE": "/home/alice/cache",
            "CUDA_HOME": "/usr/local/cuda",
            "OMP_PLACES": "/home/alice",
            "LD_PRELOAD": "/usr/lib/libjemalloc.so.2:/home/alice/libx.so",
            "HOME": "/home/alice",
            "AWS_SECRET": "s",
        }
    )
    assert found == {
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "CUDA_HOME": published_settings.SET,
        "CUDA_VISIBLE_DEVICES": f"0,GPU-{nvml.hash_uuid(UUID)}",
        "KMP_AFFINITY": "granularity=fine,compact,1,0",
        "LD_PRELOAD": "libjemalloc.so.2 libx.so",
        "LIC_BENCH_CACHE": published_settings.SET,
        "NVIDIA_API_KEY": published_settings.SET,
        "OMP_NUM_THREADS": "4",
        "OMP_PLACES": published_settings.SET,
    }


def test_the_command_line_without_the_way_to_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    given = ["/home/alice/.venv/bin/lic-bench", "run", "--datasets", "kodak,/data/my images", "--out=/home/alice"]
    given += ["--qualities", "jpeg=30,50", "--data-root", "~/data", "results/mine"]
    assert published_settings.published_command_line(given) == [
        *("lic-bench", "run", "--datasets", "kodak,my images", "--out=~"),
        *("--qualities", "jpeg=30,50", "--data-root", "data", "results/mine"),
    ]


def test_every_package_is_asked_for_by_its_name() -> None:
    packages = software.describe_software()["packages"]
    assert packages["torch"] == torch.__version__
    assert packages["numpy"]
    assert set(software.PACKAGES) <= set(packages)


def test_the_commit_is_said_by_its_digits_at_a_tag_too(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", *name, "-c", "tag.gpgsign=false", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    assert software.git_commit(tmp_path) is None
    git("init", "--quiet")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "--quiet", "-m", "one")
    git("tag", "-a", "v1.0", "-m", "a release")
    assert software.git_commit(tmp_path) == git("rev-parse", "--short=12", "v1.0^{commit}")
    (tmp_path / "file").write_text("2")
    dirty = software.git_commit(tmp_path) or ""
    assert re.fullmatch(git("rev-parse", "--short=12", "HEAD") + "-dirty-[0-9a-f]{8}", dirty)
    (tmp_path / "file").write_text("3")
    assert software.git_commit(tmp_path) != dirty
    (tmp_path / "file").write_text("2")
    assert software.git_commit(tmp_path) == dirty
    git("commit", "--quiet", "-am", "two")
    assert software.git_commit(tmp_path) == git("rev-parse", "--short=12", "HEAD")
