"""The files in the SPECs are those that the authors' pages list, with their lambdas."""

import json
from pathlib import Path
from typing import Any

import pytest

from lic_bench.codecs.registry import find_codec, find_codecs
from lic_bench.fetch.weights_sources import can_be_fetched, direct_url

CODECS = ("elic", "lalic", "tcm-small", "tcm-large", "fat", "mlic-plus-plus")


def lambda_in(listed: dict[str, Any]) -> float:
    """The lambda of a listed file; of ELIC the one in its name, see adapters/elic/codec.py."""
    name = listed.get("file", "")
    return int(name[5:9]) / 1e4 if name.startswith("ELIC_") else float(listed["lambda"])


@pytest.mark.parametrize("metric", ["mse", "ms-ssim"])
@pytest.mark.parametrize("name", CODECS)
def test_every_released_file_is_in_a_spec(shared: Path, name: str, metric: str) -> None:
    files = json.loads((shared / "published/weights.json").read_text())[name]["files"]
    listed = {direct_url(file["url"]): lambda_in(file) for file in files if file["optimised_for"] == metric}
    spec = find_codec(name if metric == "mse" else f"{name}-msssim")
    checkpoints = spec.checkpoints.values() if spec else ()
    assert {direct_url(c.third_party or c.url): c.lmbda for c in checkpoints} == listed
    assert spec is None or spec.optimised_for == metric


def test_lambdas_rise_with_quality_and_every_file_can_be_fetched() -> None:
    for spec in find_codecs().values():
        lambdas = [spec.checkpoints[quality].lmbda or 0.0 for quality in sorted(spec.checkpoints)]
        assert lambdas == sorted(set(lambdas)), spec.name
        assert all(map(can_be_fetched, spec.checkpoints.values())), spec.name
