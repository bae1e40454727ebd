"""`lic-bench analyze` from end to end, with the weights that lalic-small brings."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lic_bench.cli import BAD_INPUT, FAILED, OK
from lic_bench.images.sample_pictures import draw_sample

CommandLine = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """The options that name two small pictures."""
    folder = tmp_path_factory.mktemp("leaves")
    for seed in (1, 2):
        Image.fromarray(draw_sample(seed, 128, 128)).save(folder / f"{seed}.png")
    return ["--datasets", folder, "--crop", 128]


def numbers(out: Path, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((out / f"{name}.json").read_text())
    return found


def maps(out: Path, name: str) -> dict[str, np.ndarray]:
    with np.load(out / f"{name}.npz") as file:
        return dict(file)


def test_receptive_fields_of_two_qualities(command_line: CommandLine, images: list[object], tmp_path: Path) -> None:
    code, said, _ = command_line("analyze", "erf", *images, "--qualities", "1,5", "--out", tmp_path)
    assert code == OK
    assert {str(tmp_path / f"erf.{suffix}") for suffix in ("png", "svg", "pdf", "json", "npz")} <= {*said.split("\n")}
    networks = numbers(tmp_path, "erf")["networks"]
    assert [network["quality"] for network in networks] == [1, 5]
    fields = maps(tmp_path, "erf")
    for network in networks:
        areas = network["smallest_area_share_of_pixels"]
        assert 0 < areas["g_a"]["90%"] < areas["g_a"]["99%"] < 1
        assert areas["g_a"]["90%"] < areas["g_a and h_a"]["90%"]
        field = fields[f"lalic-small-q{network['quality']} g_a"]
        assert field.shape == (128, 128)
        assert (field > 0).mean() > 0.99  # BiWKV sees all


def test_random_weights_are_said_and_what_fails_leaves_the_rest(
    command_line: CommandLine, images: list[object], tmp_path: Path
) -> None:
    codecs = ["--codecs", "compressai.zoo:bmshj2018_hyperprior,mambavc"]
    code, said, error = command_line("analyze", "erf", *codecs, *images, "--out", tmp_path)
    assert code == FAILED
    assert "(random weights): erf on 2 images" in said
    assert error.startswith("Not analysed: mambavc-q4: RuntimeError: The selective scan has no derivative")
    (network,) = numbers(tmp_path, "erf")["networks"]
    assert network["weights"] == "random"
    assert "random weights" in (tmp_path / "erf.svg").read_text()


def test_correlation_and_deviation(command_line: CommandLine, images: list[object], tmp_path: Path) -> None:
    for name in ("correlation", "deviation"):
        assert command_line("analyze", name, *images, "--out", tmp_path)[0] == OK
    (network,) = numbers(tmp_path, "correlation")["networks"]
    correlation = np.array(network["correlation"])
    assert correlation[2, 2] == pytest.approx(1)
    np.testing.assert_allclose(correlation, correlation[::-1, ::-1])  # i to j is j to i
    assert abs(correlation - np.diag([0, 0, 1, 0, 0])).max() < 0.5
    (network,) = numbers(tmp_path, "deviation")["networks"]
    drawn = maps(tmp_path, "deviation")
    for name in numbers(tmp_path, "deviation")["images"]:
        assert drawn[f"lalic-small-q3 {name}"].sum() == pytest.approx(network[name]["total"])
        assert len(network[name]["slice_bpp"]) == 3


def test_crops_are_coded_and_drawn(command_line: CommandLine, images: list[object], tmp_path: Path) -> None:
    arguments = [
        "analyze",
        "crops",
        "--codecs",
        "lalic-small,jpeg",
        "--match",
        "lalic-small:1",
        "--window",
        "0,0,64,64",
    ]
    assert command_line(*arguments, *images, "--out", tmp_path)[0] == OK
    (file,) = tmp_path.glob("crops_*.json")
    first, second = json.loads(file.read_text())["codecs"]
    assert (first["codec"], first["quality"], second["codec"]) == ("lalic-small", 1, "jpeg")
    again = ["analyze", "crops", "--run", tmp_path / "run", *images, "--window", "0,0,64,64"]
    assert command_line(*again, "--out", tmp_path / "again")[0] == OK
    assert (tmp_path / "again" / file.name).read_text() == file.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rf"], "Unknown analysis 'rf'. Did you mean 'erf'?"),
        (["erf", "--codecs", "lalic-small,jpeg"], "analyze erf: 'jpeg' has no network: it is a classical codec"),
        (["erf", "--datasets", "sample", "--crop", 100], "is 100 x 100 and lalic-small takes multiples of 128"),
        (["erf", "--datasets", "sample", "--crop", 600], "is 600 x 512 and lalic-small takes multiples of 128"),
        (["correlation", "--window", "0,0,9,9"], "--window 0,0,9,9: is of analyze crops"),
        (["crops", "--datasets", "sample", "--window", "0,0"], "--window 0,0: write x,y,w,h"),
        (["crops", "--run", "nowhere"], "nowhere is no run with records"),
    ],
)
def test_bad_input_is_one_line(command_line: CommandLine, arguments: list[object], message: str) -> None:
    code, _, error = command_line("analyze", *arguments)
    assert code == BAD_INPUT
    assert message in error
    assert error.count("\n") == 1
