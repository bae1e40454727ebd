"""Which conditions are named as making rows incomparable."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lic_bench.report.frames.incomparable_rows import _grouped, differences_of_rows
from lic_bench.report.frames.report_data import gather_report_data
from lic_bench.store.run_folder import Run

MakeRun = Callable[..., Run]


def found(*runs: Run, published: str = "none", anchor: str = "jpeg") -> dict[tuple[str, str], str]:
    data = gather_report_data(runs, published, anchor, "pchip")
    return {(each.condition, each.concerns): each.rows for each in differences_of_rows(data)}


def test_what_was_measured_alike_is_comparable(make_run: MakeRun, tmp_path: Path) -> None:
    one = make_run(tmp_path / "r", {"jpeg": 1.0, "webp": 0.9, "elic": 0.5}, weights={"elic": "0123abc"}, images=4)
    assert found(one, _few(make_run, tmp_path / "s", "fat")) == {}


def _machine(run: Run) -> None:
    run.info["environment"]["cpu"] = "Other CPU"


def _threads(run: Run) -> None:
    run.info["config"]["threads"] = 4


def _protocol(run: Run) -> None:
    run.records["protocol"] = "lic-bench-3"


def _inexact(run: Run) -> None:
    run.records.loc[run.records.image == "im03.png", "decode_max_abs"] = 1


def _mode(run: Run) -> None:
    run.records["mode"] = "ycbcr10"


def _coder(run: Run) -> None:
    run.records["entropy_coder"] = "range-coder"


def _sizes(run: Run) -> None:
    run.records["width"] = 700


@pytest.mark.parametrize(
    ("change", "condition", "rows"),
    [
        (_machine, ("Machine", "Times, memory"), "Example CPU: ELIC; Other CPU: FAT"),
        (_threads, ("Threads", "Times, memory"), "not recorded: ELIC; 4: FAT"),
        (_protocol, ("Protocol", "Times, memory"), "lic-bench-4: ELIC; lic-bench-3: FAT"),
        (_inexact, ("Decoding", "BD-rate"), "as the encoder had it: ELIC; 4 pictures not as the encoder had it: FAT"),
        (_mode, ("Colour path", "BD-rate"), "RGB, or the format's own: ELIC; ycbcr10: FAT (ycbcr10)"),
        (_coder, ("Entropy coder", "BD-rate, times"), "not recorded: ELIC; range-coder: FAT"),
        (_sizes, ("Padding", "BD-rate"), "none needed: ELIC; to multiples of 256, centre: FAT"),
    ],
)
def test_a_condition_that_differs_is_named_with_its_rows(
    make_run: MakeRun, tmp_path: Path, change: Callable[[Run], None], condition: tuple[str, str], rows: str
) -> None:
    one, other = (_few(make_run, tmp_path / codec, codec) for codec in ("elic", "fat"))
    change(other)
    assert found(one, other, anchor="measured:elic") == {condition: rows}


def _few(make_run: MakeRun, folder: Path, codec: str) -> Run:
    return make_run(folder, {codec: 1.0}, weights={codec: "0123abc"}, images=4)


def test_anchors_and_images_of_bd_rates(make_run: MakeRun, tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", {"jpeg": 1.0, "webp": 0.9})
    part = make_run(tmp_path / "part", {"jpeg": 1.0, "avif": 0.8}, images=3, pictures="others")
    named = found(whole, part, published="lalic", anchor="vtm-9.1,jpeg")
    assert named["Anchor", "BD-rate (PSNR), Kodak"].startswith("JPEG, of run part: ")
    assert "AVIF" in named["Images", "BD-rate (PSNR), Kodak"]


def test_published_times_are_of_another_machine(make_run: MakeRun, tmp_path: Path) -> None:
    named = found(make_run(tmp_path / "r", {"jpeg": 1.0}), published="paper", anchor="vtm-9.1")
    assert "NVIDIA RTX 4090 (VTM-9.1: not said): the published rows" in named["Machine", "Times, memory"]
    assert ("Images", "Times, memory") not in named  # 24 images of Kodak in both


def test_random_weights_are_told_from_trained_ones(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"elic": 1.0, "fat": 0.9}, weights={"elic": "random", "fat": "0123abc"}, images=4)
    assert found(run, anchor="measured:fat")["Weights", "BD-rate, times"] == "random: ELIC; trained: FAT"


def test_the_many_are_the_others() -> None:
    rows: Any = [(name, "RGB") for name in "abcd"] + [("e", "YCbCr")]
    assert _grouped(rows) == "YCbCr: e; RGB: the other 4"
    assert _grouped(rows[:4]) == _grouped([]) == ""
