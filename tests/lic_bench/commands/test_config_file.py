import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lic_bench import cli
from lic_bench.store.run_folder import Run

pytestmark = pytest.mark.usefixtures("fake_codecs")
Call = Callable[..., int]


@pytest.fixture
def bench(tmp_path: Path, images: Path) -> Path:
    file = tmp_path / "bench.toml"
    file.write_text(f"""
codecs = ["fake", "broken"]
datasets = {str(images)!r}
measure = ["quality"]
limit = 2
device = "cpu"
[qualities]
fake = [2, 4]
broken = "6"
""")
    return file


def test_a_file_of_options_is_a_run_and_options_beside_it_win(exit_code: Call, bench: Path, tmp_path: Path) -> None:
    assert exit_code("run", bench, "--out", tmp_path / "a") == cli.OK
    config = Run(tmp_path / "a").info["config"]
    assert (config["codecs"], config["limit"]) == (["fake", "broken"], 2)
    assert config["qualities"] == {"fake": [2, 4], "broken": [6]}
    assert (
        exit_code("run", "--limit", "1", "--codecs", "fake", "--qualities", "6", bench, "--out", tmp_path / "b")
        == cli.OK
    )
    config = Run(tmp_path / "b").info["config"]
    assert (config["limit"], config["qualities"]) == (1, {"fake": [6]})


def test_a_stored_run_is_made_again_from_its_folder_or_its_run_json(
    exit_code: Call, bench: Path, images: Path, tmp_path: Path
) -> None:
    assert exit_code("run", bench, "--out", tmp_path / "a") == cli.OK
    for number, given in enumerate((tmp_path / "a", tmp_path / "a/run.json")):
        out = tmp_path / f"again{number}"
        assert exit_code("run", given, "--datasets", images, "--out", out) == cli.OK
        assert Run(out).info["config"] == Run(tmp_path / "a").info["config"]


def test_a_stored_run_that_met_sizes_is_made_again(exit_code: Call, images: Path, tmp_path: Path) -> None:
    given = ("--codecs", "fake,jpeg", "--qualities", "fake=4", "--match", "fake:4", "--measure", "quality")
    assert exit_code("run", *given, "--limit", "1", "--datasets", images, "--out", tmp_path / "a") == cli.OK
    assert exit_code("run", tmp_path / "a", "--datasets", images, "--out", tmp_path / "b") == cli.OK
    config = Run(tmp_path / "b").info["config"]
    assert (config["match"], config["qualities"]["jpeg"]) == (["fake:4"], [])
    assert config == Run(tmp_path / "a").info["config"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("codec = 'jpeg'", "Unknown option in .*bench.toml: 'codec'. Did you mean 'codecs'?"),
        ("codecs = ", "Cannot read .*bench.toml: Invalid value"),
        ("codecs = 'fake'\nlimit = 1.5", "bench.toml: limit is 1.5; write a whole number"),
        ("codecs = 'fake'\nlimit = true", "bench.toml: limit is True; write a text, a number or a list"),
        ("codecs = 'fake'\nlimit = [1, 2]", r"bench.toml: limit is \[1, 2\]; write a whole number"),
        ("codecs = 'fake'\nbudget = 'long'", "bench.toml: budget is 'long'; write a number"),
        ("codecs = 'fake'\nlimit = 0", "bench.toml: limit: --limit 0: at least 1"),
        (
            "codecs = 'fake'\nout = '~nobody-at-all/x'",
            "bench.toml: out: Folder '~nobody-at-all/x': that home is not known",
        ),
        (
            "codecs = 'fake'\nweights = 'rndom'",
            "bench.toml: weights: Unknown --weights 'rndom'. Did you mean 'random'?",
        ),
        ("codecs = 'fake'\nplugin = ['/nowhere']", "bench.toml: plugin: --plugin /nowhere: no codec.py there"),
        ("codecs = ['fake', 'brocken']", "bench.toml: codecs: Unknown codec 'brocken'. Did you mean 'broken'?"),
        (
            "codecs = 'fake'\nqualities = 99",
            "bench.toml: qualities: --qualities 99: Codec 'fake' has no bits 99; allowed",
        ),
        (
            "codecs = 'fake'\nvtm_colour = 'rgb'",
            "bench.toml: vtm_colour: --vtm-colour rgb: no codec of --codecs fake takes it",
        ),
        ("codecs = 'fake'\nquick = 'perhaps'", r"bench.toml: quick is 'perhaps'; write true or false"),
        (
            "codecs = 'fake'\nqualities = {broken = 1}",
            "bench.toml: qualities: --qualities broken=1: 'broken' is not among --codecs fake",
        ),
    ],
)
def test_a_wrong_file_is_one_line(
    exit_code: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    (tmp_path / "bench.toml").write_text(text)
    assert exit_code("run", tmp_path / "bench.toml", "--datasets", "sample", "--out", tmp_path / "a") == cli.BAD_INPUT
    assert_one_line(capsys.readouterr().err, says)


def test_options_beside_the_file_are_not_blamed_on_it(
    exit_code: Call, bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("run", bench, "--limit", "0", "--out", tmp_path / "a") == cli.BAD_INPUT
    assert_one_line(capsys.readouterr().err, r"^lic-bench: --limit 0: at least 1\.$")
    assert exit_code("run", bench, "--out", tmp_path / "a") == cli.OK
    bench.write_text(f"{bench.read_text()}".replace("[qualities]", "crop = 8\n[qualities]"))
    assert exit_code("run", bench, "--out", tmp_path / "a") == cli.BAD_INPUT
    assert_one_line(
        capsys.readouterr().err, r"^lic-bench: [^ ]*/a holds a run .* crop was None, now 8; choose another --out"
    )


def test_a_dry_run_names_the_file_in_each_line(
    exit_code: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bench.toml").write_text("codecs = 'fake'\ndatasets = 'kodk,/no/where'\n")
    assert exit_code("run", tmp_path / "bench.toml", "--dry-run", "--out", tmp_path / "a") == cli.BAD_INPUT
    first, second = capsys.readouterr().err.splitlines()
    assert "bench.toml: datasets: Unknown data set 'kodk'. Did you mean 'kodak'?" in first
    assert "bench.toml: datasets: Data set '/no/where': no such folder" in second


def assert_one_line(text: str, says: str) -> None:
    assert len(text.splitlines()) == 1
    assert re.search(says, text)


def test_a_run_over_sizes_and_a_folder_without_a_run_are_refused(
    exit_code: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"schema": 7, "config": {"codecs": ["fake"], "sizes": [64]}}))
    assert exit_code("run", tmp_path) == cli.BAD_INPUT
    assert_one_line(capsys.readouterr().err, r"run.json is of a run over sizes; make it again by `lic-bench scale`")
    (tmp_path / "run.json").unlink()
    assert exit_code("run", tmp_path) == cli.BAD_INPUT
    assert_one_line(capsys.readouterr().err, r"Cannot read .*run.json: No such file")


def test_negative_options_json_and_crops_come_back(
    exit_code: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bench.toml").write_text(
        "codecs = 'fake'\ndatasets = 'sample'\nqualities = 4\nlimit = 1\ncrop = 32\nmeasure = 'quality'\n"
        "no-isolate = true\njson = true\n"
    )
    assert exit_code("run", tmp_path / "bench.toml", "--out", tmp_path / "a") == cli.OK
    assert [point["dataset"] for point in json.loads(capsys.readouterr().out)] == ["sample@32"]
    assert exit_code("run", tmp_path / "a", "--out", tmp_path / "b") == cli.OK
    assert Run(tmp_path / "b").info["config"] == Run(tmp_path / "a").info["config"]
    (tmp_path / "twice.toml").write_text("codecs = 'fake'\nretry-failed = true\nretry_failed = false\n")
    assert exit_code("run", tmp_path / "twice.toml") == cli.BAD_INPUT
    assert_one_line(capsys.readouterr().err, "retry_failed is there twice")
