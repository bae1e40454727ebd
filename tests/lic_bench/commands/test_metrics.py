"""`lic-bench metrics`, and what the other verbs make of a run that was coded elsewhere."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from lic_bench.images.sample_pictures import draw_sample
from lic_bench.report.write_report import write_report

CommandLine = Callable[..., tuple[int, str, str]]
QUALITIES = (20, 40, 60, 80)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Originals and JPEG files, of which `theirs` are ours with comments in them."""
    for place in ("originals", *(f"{codec}/{quality}" for codec in ("jpeg", "theirs") for quality in QUALITIES)):
        (tmp_path / place).mkdir(parents=True)
    for seed in (1, 2):
        picture = Image.fromarray(draw_sample(seed, 164, 170))
        picture.save(tmp_path / f"originals/{seed}.png")
        for quality in QUALITIES:
            picture.save(tmp_path / f"jpeg/{quality}/{seed}.jpg", quality=quality)
            picture.save(tmp_path / f"theirs/{quality}/{seed}.jpg", quality=quality, comment=b"x" * 500)
    return tmp_path


def run_of(folder: Path, codec: str, command_line: CommandLine, *options: object) -> Path:
    code, _, said = command_line(
        "metrics", folder / "originals", folder / codec, "--out", folder / f"run-{codec}", *options
    )
    assert (code, said) == (0, "")
    return folder / f"run-{codec}"


def test_a_run_from_elsewhere_joins_a_report_and_is_marked(folder: Path, command_line: CommandLine) -> None:
    theirs, ours = run_of(folder, "theirs", command_line), folder / "here"
    options = ("--codecs", "jpeg", "--qualities", "20,40,60,80", "--datasets", folder / "originals")
    assert command_line("run", *options, "--measure", "quality", "--out", ours)[0] == 0
    written = write_report([ours, theirs], folder / "report", published="none", anchor="measured:jpeg")
    table = written.tables["table1"].frame()
    assert table[["source", "provenance"]].to_numpy().tolist() == [
        ["here", "measured"],
        ["run-theirs (elsewhere)", "elsewhere"],
    ]
    assert table.bd_originals[0] == 0
    sizes = [pd.read_json(run / "records.jsonl", lines=True).groupby("quality").payload_bytes for run in (theirs, ours)]
    assert (sizes[0].sum() - sizes[1].sum() == 2 * 504).all()  # marker, length and comment
    bits = sizes[0].sum() / sizes[1].sum() - 1
    assert 100 * bits.min() < table.bd_originals[1] < 100 * bits.max()
    page = written.index.read_text()
    assert "Measured: here. Coded elsewhere, distortions measured here, no times: run-theirs." in page
    assert "bpp is of the sizes that came with them, headers included." in page
    assert written.tables["machines"].frame().run.tolist() == ["here"]


def test_without_sizes_there_are_distortions_and_no_curves(folder: Path, command_line: CommandLine) -> None:
    for file in (folder / "jpeg").rglob("*.jpg"):
        Image.open(file).save(file.with_suffix(".png"))
        file.unlink()
    code, said, _ = command_line("metrics", folder / "originals", folder / "jpeg", "--out", folder / "run")
    assert code == 0
    assert "none: distortions only, no rates and no curves" in said
    written = write_report([folder / "run"], folder / "report", published="none", anchor="jpeg")
    points = written.tables["rd_points"].frame()
    assert points.bpp.isna().all()
    assert points.psnr_db.is_monotonic_increasing
    assert "Sizes are not known: no rates, no curves." in written.index.read_text()
    assert "bd_rate" not in written.tables


def test_what_does_not_fit_is_listed_and_nothing_measured(folder: Path, command_line: CommandLine) -> None:
    (folder / "jpeg/20/1.jpg").unlink()
    (folder / "jpeg/40/2.jpg").write_bytes(b"no picture")
    arguments = ("metrics", folder / "originals", folder / "jpeg", "--out", folder / "run")
    code, said, error = command_line(*arguments)
    assert (code, error) == (
        2,
        "lic-bench: 2 do not fit; nothing was measured. Put them right, or leave them out with --skip.\n",
    )
    assert "not decoded" in said
    assert "is no image of a format that is read" in said
    assert not (folder / "run").exists()
    code, said, error = command_line(*arguments, "--skip", "--json")
    assert (code, error) == (0, "Left out, as --skip asks: 2 that do not fit.\n")
    assert [point["images"] for point in json.loads(said)] == [1, 1, 2, 2]


def test_more_than_20_rows_are_counted(folder: Path, command_line: CommandLine) -> None:
    for number in range(30):
        (folder / f"jpeg/20/strange{number}.jpg").write_bytes((folder / "jpeg/20/1.jpg").read_bytes())
    table = "codec,quality,image,bytes\n" + "".join(f"jpeg,{100 + number},1,5\n" for number in range(30))
    (folder / "sizes.csv").write_text(table)
    code, said, _ = command_line("metrics", folder / "originals", folder / "jpeg", "--sizes", folder / "sizes.csv")
    assert code == 2
    words = " ".join(said.split())
    assert "27 more" in words
    assert "and 15 more rows" in words
    assert words.count("a size, but no picture") == 15


@pytest.mark.parametrize(
    ("arguments", "expected", "message"),
    [
        (("show", "RUN", "jpeg", "20", "1.png"), 2, "keeps no files of it; it was coded elsewhere."),
        (("decode-check", "RUN"), 2, "has no saved bitstreams; it was coded elsewhere."),
        (("history", "add", "RUN"), 2, "was coded elsewhere, by no commit of lic-bench"),
        (("compare", "RUN", "HERE"), 3, "was coded elsewhere: it has no times and no machine to compare"),
    ],
)
def test_verbs_that_need_more_say_so(
    folder: Path, command_line: CommandLine, arguments: tuple[str, ...], expected: int, message: str
) -> None:
    run = run_of(folder, "jpeg", command_line)
    (folder / "here").mkdir()
    (folder / "here/run.json").write_text('{"schema": 10}')
    words = [{"RUN": run, "HERE": folder / "here"}.get(word, word) for word in arguments]
    code, _, error = command_line(*words)
    assert code == expected
    assert message in error


def test_compare_and_export_take_such_runs(folder: Path, command_line: CommandLine) -> None:
    run = run_of(folder, "jpeg", command_line, "--metrics", "psnr-hvs")
    code, said, _ = command_line("compare", run, run)
    assert code == 0
    assert "Both were coded elsewhere: there are no times" in said
    assert command_line("export", run, "--format", "csv", "--out", folder / "points.csv")[0] == 0
    points = pd.read_csv(folder / "points.csv")
    assert points.measured_by.str.contains(", of pictures that were coded elsewhere, run run-jpeg").all()
    assert points.quality.tolist() == [*QUALITIES]
