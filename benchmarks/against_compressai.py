"""Our quality pass beside CompressAI's evaluation: the same networks, weights and images, whole processes.

    python benchmarks/against_compressai.py [--data-root /data | --images FOLDER] [--models mbt2018-mean]
                                            [--threads 2] [--rounds 3]

Theirs: `python -m compressai.utils.eval_model checkpoint`, which codes, decodes and computes PSNR and MS-SSIM. Ours:
`lic-bench run --measure quality`, which also decodes in a second instance and holds the decoded image against the
encoder's side. Each takes the first 4 Kodak images (the built-in sample where there are none), from start to exit, in
alternating order; wall and processor seconds are medians, the ratio is the median over pairs of neighbouring runs.
eval_model sets one thread for itself and does not know the checkerboard model; where either is to differ, its own
main() is called after the model was put in CompressAI's tables and the threads were set, which the table says.
Weights are random; the last layer of g_a is scaled to about 0.5 bpp.
Exit code 1: results differ, a decode is not verified, or ours took longer.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

IMAGES = 4
SEED = 0
SPREAD = 0.25  # standard deviation of the latents in quantisation steps: about 0.5 bpp
PSNR_DB, MS_SSIM = 1e-3, 1e-4  # eval_model averages squares in float32
EVAL_MODEL = "compressai.utils.eval_model"
CHECKERBOARD = "cheng2020-anchor-checkerboard"


@dataclass(frozen=True, slots=True)
class Model:
    """A network that both tools can build. target: its name in `lic-bench run`, less options; file: its weights."""

    target: str
    options: str
    file: str


MODELS = {
    "mbt2018-mean": Model("compressai.zoo:mbt2018_mean", ":qualities=4:place=centre", "mbt2018_mean.pth"),
    CHECKERBOARD: Model(
        "compressai.models:Cheng2020AnchorCheckerboard", ":place=centre", "Cheng2020AnchorCheckerboard.pth"
    ),
}


@dataclass(frozen=True, slots=True)
class Coded:
    """What a tool says of one image."""

    bpp: float
    psnr_db: float
    ms_ssim: float


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One whole process. verified: what our records say of the decode."""

    wall_s: float
    cpu_s: float
    images: dict[str, Coded]
    header_bytes: float = 0.0
    verified: str = ""


def eval_model(threads: int, arguments: Sequence[str]) -> None:
    """CompressAI's own evaluation with the checkerboard model in its tables and another number of threads."""
    import torch
    from compressai.models import Cheng2020AnchorCheckerboard
    from compressai.utils.eval_model import __main__ as tool
    from compressai.zoo import image_models

    image_models[CHECKERBOARD] = Cheng2020AnchorCheckerboard
    tool.architectures[CHECKERBOARD] = Cheng2020AnchorCheckerboard
    torch.set_num_threads(threads)
    tool.main(arguments)


def write_weights(name: str, folder: Path, image: Path) -> None:
    """Random weights of a model from a fixed seed, g_a scaled to SPREAD on one image."""
    import numpy as np
    import torch
    from compressai.models import Cheng2020AnchorCheckerboard
    from compressai.zoo import mbt2018_mean

    from lic_bench.images.image_file import read_pixels

    torch.manual_seed(SEED)
    network = Cheng2020AnchorCheckerboard() if name == CHECKERBOARD else mbt2018_mean(quality=4)
    pixels = read_pixels(image)[:256, :256].astype(np.float32) / 255
    with torch.no_grad():
        spread = network.g_a(torch.from_numpy(pixels).permute(2, 0, 1)[None]).std()
        for parameter in network.g_a[-1].parameters():
            parameter *= SPREAD / spread
    torch.save(network.state_dict(), folder / MODELS[name].file)


def choose_images(images: Path | None, data_root: Path | None, folder: Path) -> str:
    """Put the first images into `folder`; says which."""
    from PIL import Image

    from lic_bench.errors import UserError
    from lic_bench.images.datasets import find_dataset
    from lic_bench.images.image_file import read_image

    try:
        dataset = find_dataset(str(images) if images else "kodak", data_root, limit=IMAGES)
    except UserError as error:
        if images or data_root:
            print(error, file=sys.stderr)
            raise SystemExit(error.exit_code) from None
        dataset = find_dataset("sample", limit=IMAGES)
    for image in dataset.images:
        if image.path:
            shutil.copyfile(image.path, folder / image.path.name)
        else:
            Image.fromarray(read_image(image)).save(folder / image.name)
    return f"{len(dataset.images)} images of {dataset.name}"


def clocked(command: Sequence[str]) -> tuple[float, float]:
    """Wall and processor seconds of a command and its children, from start to exit."""
    before, start = os.times(), perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True)
    wall, after = perf_counter() - start, os.times()
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)}\n{ended.stdout}{ended.stderr}\nexit code {ended.returncode}")
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def untouched(name: str, threads: int) -> bool:
    """Whether eval_model can be called as it comes."""
    return name != CHECKERBOARD and threads == 1


def run_theirs(name: str, threads: int, place: Path, out: Path) -> ToolRun:
    """One run of CompressAI's evaluation."""
    if untouched(name, threads):
        start = [sys.executable, "-m", EVAL_MODEL]
    else:
        start = [sys.executable, __file__, "eval_model", str(threads)]
    weights = str(place / MODELS[name].file)
    command = [*start, "checkpoint", str(place / "images"), "-a", name, "-d", str(out), "--per-image", "-p", weights]
    wall, cpu = clocked(command)
    rows = [json.loads(file.read_text()) for file in out.glob("*.json")]
    results = {row["source"]: row["results"] for row in rows if "source" in row}
    coded = {image: Coded(row["bpp"], row["psnr-rgb"], row["ms-ssim-rgb"]) for image, row in results.items()}
    return ToolRun(wall, cpu, coded)


def run_ours(name: str, threads: int, place: Path, out: Path) -> ToolRun:
    """One quality pass of lic-bench."""
    command = [str(Path(sys.executable).with_name("lic-bench")), "run", "--measure", "quality", "--device", "cpu"]
    command += ["--codecs", MODELS[name].target + MODELS[name].options, "--checkpoints", str(place)]
    command += ["--weights", "require", "--datasets", str(place / "images"), "--threads", str(threads)]
    wall, cpu = clocked([*command, "--out", str(out)])
    rows = [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
    good = [row for row in rows if row["status"] == "ok" and row["decode_mse"] is not None]
    coded = {
        Path(row["image"]).stem: Coded(
            8 * row["payload_bytes"] / (row["width"] * row["height"]), row["psnr_db"], row["ms_ssim"]
        )
        for row in good
    }
    worst = max(row["decode_max_abs"] for row in good)
    verified = f"{len(good)} of {len(rows)}, at most {worst} levels apart"
    return ToolRun(wall, cpu, coded, mean(row["header_bytes"] for row in good), verified)


def agree(theirs: dict[str, Coded], ours: dict[str, Coded]) -> bool:
    """Whether both coded the same images to the same number of bytes and the same quality."""
    return theirs.keys() == ours.keys() and all(
        theirs[name].bpp == ours[name].bpp
        and abs(theirs[name].psnr_db - ours[name].psnr_db) < PSNR_DB
        and abs(theirs[name].ms_ssim - ours[name].ms_ssim) < MS_SSIM
        for name in theirs
    )


def row(tool: str, runs: Sequence[ToolRun]) -> str:
    """A line of the table: medians of the times, means over the images of the last run."""
    coded = runs[-1].images.values()
    wall, cpu = median(run.wall_s for run in runs), median(run.cpu_s for run in runs)
    bpp, psnr, msssim = (mean(getattr(image, field) for image in coded) for field in ("bpp", "psnr_db", "ms_ssim"))
    return f"  {tool:<24} {wall:8.2f} {cpu:8.2f} {bpp:10.6f} {psnr:9.4f} {msssim:9.6f}"


def compare(name: str, threads: int, rounds: int, place: Path) -> bool:
    """Run both in turn, A B B A ..., and print what came; whether all is as it should be."""
    theirs: list[ToolRun] = []
    ours: list[ToolRun] = []
    for turn in range(rounds):
        tools: list[tuple[list[ToolRun], Any, str]] = [(theirs, run_theirs, "theirs"), (ours, run_ours, "ours")]
        for runs, call, tool in tools if turn % 2 == 0 else tools[::-1]:
            out = place / f"{name}-{tool}-{turn}"
            out.mkdir()
            runs.append(call(name, threads, place, out))
    ratio, cpu_ratio = (
        median(getattr(b, field) / getattr(a, field) for a, b in zip(theirs, ours, strict=True))
        for field in ("wall_s", "cpu_s")
    )
    same = all(agree(theirs[0].images, run.images) for run in (*theirs, *ours))
    kind = "as it comes" if untouched(name, threads) else "its main(), after model or threads were set"
    print(f"{name}, {threads} threads, {rounds} rounds; eval_model: {kind}")
    print(f"  {'':<24} {'wall s':>8} {'CPU s':>8} {'bpp':>10} {'PSNR dB':>9} {'MS-SSIM':>9}")
    print(row("compressai eval_model", theirs))
    print(row("lic-bench run", ours))
    print(f"  ours / theirs: wall {ratio:.3f}, CPU {cpu_ratio:.3f}")
    print(f"  bytes equal, PSNR and MS-SSIM agree in every image and run: {'yes' if same else 'NO'}")
    print(f"  decode verified (ours): {ours[-1].verified}")
    print(
        f"  bpp is of the strings in both; our header, {ours[-1].header_bytes:.0f} bytes, is stored apart", flush=True
    )
    verified = all(run.verified.startswith(f"{len(run.images)} of {len(theirs[0].images)},") for run in ours)
    return same and verified and ratio <= 1


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help=f"a folder of images, of which the first {IMAGES} are taken")
    parser.add_argument("--data-root", type=Path, help="folder that holds kodak/")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--threads", type=int, default=1, help="of both [default: 1, what eval_model sets]")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="against-compressai-") as folder:
        place = Path(folder)
        (place / "images").mkdir()
        print(choose_images(given.images, given.data_root, place / "images"), flush=True)
        for name in given.models:
            write_weights(name, place, min((place / "images").iterdir()))
            good &= compare(name, given.threads, given.rounds, place)
    return 0 if good else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["eval_model"]:
        eval_model(int(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(main())
