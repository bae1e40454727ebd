import json
from getpass import getuser
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest
import torch

from lic_bench.machine.allocator import keep_freed_memory
from lic_bench.machine.environment_record import apply_protocol_settings, describe_environment, environment_fingerprint

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def environment() -> dict[str, Any]:
    return describe_environment(CPU)


def test_the_environment_is_json_and_complete(environment: dict[str, Any]) -> None:
    assert json.loads(json.dumps(environment)) == environment
    names = ("cpu", "cores_usable", "memory_bytes", "python", "threads", "lic_bench", "processor", "packages", "system")
    for name in names:
        assert environment[name], name
    assert environment["gpu"] is None


def test_nothing_in_it_says_whose_machine_it_is() -> None:
    text = json.dumps(describe_environment(CPU) | {"packages": None})
    assert str(Path.home()) + "/" not in text
    assert f'"{gethostname()}"' not in text
    assert f'"{getuser()}"' not in text
    assert str(Path.cwd()) not in text


def test_the_fingerprint_does_not_move_between_two_looks() -> None:
    assert environment_fingerprint(describe_environment(CPU)) == environment_fingerprint(describe_environment(CPU))


def test_the_fingerprint_knows_nothing_of_the_moment(environment: dict[str, Any]) -> None:
    later = json.loads(json.dumps(environment))
    later |= {"time": "2000-01-01", "load_average": [9.0] * 3, "command": ["else"], "git_commit": "0" * 12}
    later["processor"]["now_mhz"] = 1.0
    assert environment_fingerprint(later) == environment_fingerprint(environment)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("processor", "governor", "another"),
        ("processor", "turbo", "another"),
        ("processor", "preference", "another"),
        ("processor", "min_mhz", 1.0),
        ("coders", "JPEG", "another"),
        ("container", "cpu_limit", 0.5),
        ("variables", "OMP_PROC_BIND", "true"),
        ("variables", "LD_PRELOAD", "libjemalloc.so"),
        ("settings", "matmul.allow_tf32", "another"),
        ("packages", "compressai", "0.0.1"),
        ("torch_build", "sha256", "another"),
    ],
)
def test_the_fingerprint_moves_with_what_times_hang_on(
    environment: dict[str, Any], part: str, name: str, value: object
) -> None:
    other = json.loads(json.dumps(environment))
    other[part][name] = value
    assert environment_fingerprint(other) != environment_fingerprint(environment)


def test_the_fingerprint_of_a_gpu(environment: dict[str, Any]) -> None:
    gpu = {"name": "Example GPU", "driver": "1.2", "id": "0123", "kind": "gpu", "power_limit_w": 700.0}
    changes = ({}, {"id": "4567"}, {"power_limit_w": 400.0}, {"clocks_applied_mhz": [1410, 1593]})
    one, two, capped, clocked = (environment_fingerprint(environment | {"gpu": gpu | more}) for more in changes)
    assert one["gpu"] == "Example GPU"
    assert one == two, "another one of its kind"
    assert one != capped
    assert one != clocked


def test_the_protocol_settings_are_made() -> None:
    threads = torch.get_num_threads()
    torch.backends.cudnn.benchmark = True
    apply_protocol_settings(CPU, 1)
    try:
        assert torch.get_num_threads() == 1
        settings = describe_environment(CPU)["settings"]
        assert settings["freed_memory_kept"] is keep_freed_memory()
        assert settings["cudnn.deterministic"] is True
        for name in ("cudnn.benchmark", "cudnn.allow_tf32", "matmul.allow_tf32"):
            assert settings[name] is False, name
    finally:
        torch.set_num_threads(threads)


@pytest.mark.gpu
def test_the_gpu_is_named() -> None:
    device = torch.device("cuda")
    environment = describe_environment(device)
    gpu = environment["gpu"]
    assert gpu["name"] == torch.cuda.get_device_name()
    assert gpu["memory_bytes"] > 2**30
    assert gpu["driver"]
    assert gpu["kind"] in ("gpu", "mig")
    assert json.loads(json.dumps(environment)) == environment
    assert str(torch.cuda.get_device_properties(device).uuid) not in json.dumps(environment)
