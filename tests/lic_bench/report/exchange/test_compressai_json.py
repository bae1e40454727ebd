"""CompressAI's result files: as they are in its folder `results`, as we write them, and what is none."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lic_bench.errors import UserError
from lic_bench.report.exchange.compressai_json import lacking, read, write
from lic_bench.store.mean_curves import MeanCurve

BENCH = {  # as compressai.utils.bench and eval_model print
    "name": "mbt2018",
    "description": "Inference (ans)",
    "results": {
        "psnr-rgb": [28.5, 30.5],
        "ms-ssim-rgb": [0.92, 0.94],
        "bpp": [0.11, 0.19],
        "encoding_time": [2.8, 2.7],
        "decoding_time": [6, 6.5],
    },
}
PAPER = {  # as those that CompressAI took from papers
    "name": "elic2022",
    "description": "official results",
    "meta": {"source": "paper", "url": "https://example.org/1", "opt_metric": "ms-ssim-rgb", "dataset": "kodak"},
    "results": {"bpp": [0.12, 0.2], "ms-ssim-db-rgb": [11.6, 13.3]},
}


def read_one(values: Any, path: str = "results/image/kodak/x.json", dataset: str | None = None) -> MeanCurve:
    (curve,) = read(values if isinstance(values, str) else json.dumps(values), Path(path), dataset)
    return curve


def test_a_file_of_the_bench_has_the_data_set_of_its_folder() -> None:
    curve = read_one(BENCH, "results/image/clic2020-professional/compressai-mbt2018_ms-ssim_cuda.json")
    assert curve.codec == "compressai-mbt2018_ms-ssim_cuda"
    assert curve.label == "mbt2018 (compressai-mbt2018_ms-ssim_cuda)"
    assert curve.dataset == "clic2020-professional"
    assert curve.metric_optimised_for == "ms-ssim"
    assert curve.description == "Inference (ans)"
    assert curve.points == [
        {"bpp": 0.11, "psnr_db": 28.5, "ms_ssim": 0.92, "encode_s": 2.8, "decode_s": 6.0},
        {"bpp": 0.19, "psnr_db": 30.5, "ms_ssim": 0.94, "encode_s": 2.7, "decode_s": 6.5},
    ]


def test_a_file_of_a_paper_says_more_of_itself() -> None:
    curve = read_one(PAPER, "downloads/paper-elic2022.json")
    assert (curve.dataset, curve.metric_optimised_for) == ("kodak", "ms-ssim")
    assert curve.measured_by == "paper, https://example.org/1"
    assert curve.points[0] == {"bpp": 0.12, "ms_ssim_db": 11.6}


def test_the_option_comes_before_what_the_file_says() -> None:
    assert read_one(PAPER, dataset="mine").dataset == "mine"


@pytest.mark.parametrize("name", ["VTM", "vtm"])
def test_a_codec_called_as_its_file_has_its_name_alone(name: str) -> None:
    assert read_one(BENCH | {"name": name}, "kodak/vtm.json").label == name


def test_quantities_of_other_names_are_kept() -> None:
    results = BENCH["results"] | {"psnr-y": [31, 33], "q": ["low", "high"]}
    assert read_one({"results": results}).points[0]["psnr-y"] == 31.0
    assert "q" not in read_one({"results": results}).points[0]


def changed(**lists: Any) -> dict[str, Any]:
    """BENCH with other lists; None: without it."""
    results = {**BENCH["results"], **{key.replace("_", "-"): values for key, values in lists.items()}}
    return {"results": {key: values for key, values in results.items() if values is not None}}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("[1]", "has no object 'results'"),
        ("{", "is not JSON"),
        ({"results": [1]}, "has no object 'results'"),
        ({}, "no 'bpp'. It has: nothing"),
        (changed(bpp=None, BPP=[1, 2]), "no 'bpp'. Is 'BPP' to be 'bpp'?"),
        (changed(psnr_rgb=None, ms_ssim_rgb=None), "no 'psnr-rgb' or 'psnr' or 'ms-ssim-db-rgb'"),
        (changed(psnr_rgb=[28.5]), "psnr-rgb has 1 values and bpp 2"),
        (changed(psnr_rgb=[28.5, None]), "psnr-rgb has None, which is no number"),
        (changed(psnr_rgb=[28.5, True]), "psnr-rgb has True, which is no number"),
        (changed(psnr_rgb=[28.5, math.nan]), "value 2: psnr_db = nan; it must be a finite number at least 0"),
        (changed(bpp=[0.1, math.inf]), "value 2: bpp = inf"),
        (changed(bpp=[0, 0.1]), "value 1: bpp = 0; it must be a finite number above 0"),
        (changed(ms_ssim_rgb=[0.9, 17]), "ms_ssim = 17; it must be a finite number at least 0, at most 1"),
        (changed(bpp=[0.1, 10**400]), "bpp = inf"),
        ({"results": {"bpp": [], "psnr": []}}, "has no points"),
    ],
)
def test_what_is_no_such_file_is_one_line(values: Any, words: str) -> None:
    with pytest.raises(UserError) as caught:
        read_one(values)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


finite = st.floats(0.001, 1e6)
points = st.fixed_dictionaries({"bpp": finite, "psnr_db": finite, "ms_ssim": st.floats(0, 1), "decode_s": finite})


@given(st.lists(points, min_size=1), st.text(min_size=1), st.sampled_from(["", "mse", "ms-ssim"]))
def test_what_is_written_comes_back(values: list[dict[str, float]], text: str, metric: str) -> None:
    curve = MeanCurve(
        codec="a:b@bf16", label="A", dataset="kodak [4 images, 0]", metric_optimised_for=metric, measured_by=text,
        description=text, sources=[text], points=values,
    )  # fmt: skip
    assert read_one(write(curve), "elsewhere/c.json") == curve


def test_a_quantity_that_a_point_lacks_is_left_out_whole() -> None:
    points = [{"bpp": 0.1, "psnr_db": 30.0, "ms_ssim": 0.9}, {"bpp": 0.2, "ms_ssim": 0.95}]
    curve = MeanCurve(codec="x", label="X", dataset="kodak", points=points)
    assert lacking(curve) == ["psnr_db"]
    assert json.loads(write(curve))["results"] == {"bpp": [0.1, 0.2], "ms-ssim-rgb": [0.9, 0.95]}
