import json

import pytest
import torch

from lic_bench.environment import describe, fingerprint, prepare
from lic_bench.measurement.memory import keep_freed_memory


def test_the_environment_is_json_and_complete() -> None:
    environment = describe(torch.device("cpu"))
    assert json.loads(json.dumps(environment)) == environment
    for name in ("cpu", "cores_usable", "memory_bytes", "python", "threads", "lic_bench"):
        assert environment[name], name
    assert environment["gpu"] is None


def test_the_fingerprint_does_not_move_between_two_looks() -> None:
    assert fingerprint(describe(torch.device("cpu"))) == fingerprint(describe(torch.device("cpu")))


def test_the_protocol_settings_are_made() -> None:
    threads = torch.get_num_threads()
    torch.backends.cudnn.benchmark = True
    prepare(torch.device("cpu"), 1)
    try:
        assert torch.get_num_threads() == 1
        settings = describe(torch.device("cpu"))["settings"]
        assert settings == {
            "freed_memory_kept": keep_freed_memory(),
            "cudnn.deterministic": True,
            "cudnn.benchmark": False,
            "cudnn.allow_tf32": False,
            "matmul.allow_tf32": False,
        }
    finally:
        torch.set_num_threads(threads)


@pytest.mark.gpu
def test_the_gpu_is_named() -> None:
    gpu = describe(torch.device("cuda"))["gpu"]
    assert gpu["name"] == torch.cuda.get_device_name()
    assert gpu["memory_bytes"] > 2**30
