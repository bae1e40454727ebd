"""With the real VTM-9.1: `VTM_ROOT=... pytest -m vtm`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lic_bench.codecs.program_codec import INPUT
from lic_bench.images.sample_pictures import draw_sample
from lic_bench.run.decode_check import check_decodes
from lic_bench.run.options import Options
from lic_bench.run.session import Silent, run
from lic_bench.system.programs import ProgramError, run_program
from vtm.colour import MODES
from vtm.model import VtmCodec, load

pytestmark = [pytest.mark.vtm, pytest.mark.usefixtures("vtm")]


def image(height: int, width: int) -> torch.Tensor:
    pixels = draw_sample(2, 96, 96)[:height, :width].copy()
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def psnr(x: torch.Tensor, x_hat: torch.Tensor) -> float:
    return float(-10 * (x - x_hat).square().mean().log10())


@pytest.mark.parametrize("mode", MODES)
def test_sizes_that_are_no_multiple_of_eight_come_back(mode: str) -> None:
    codec = load(22, vtm_colour=mode)
    for size in ((1, 1), (7, 9), (33, 21)):
        x = image(*size)
        x_hat = load(22, vtm_colour=mode).decompress(codec.compress(x))
        assert x_hat.shape == x.shape
        assert psnr(x, x_hat) > 34
    assert codec.version == "9.1"
    assert codec.mode == mode


def test_rate_rises_and_error_falls_along_the_ladder() -> None:
    from vtm.codec import SPEC

    x, rates, quality = image(24, 32), [], []
    for qp in SPEC.qualities:
        bits = load(qp).compress(x)
        rates.append(len(bits.payload))
        quality.append(psnr(x, load(qp).decompress(bits)))
    assert (np.diff(rates) > 0).all(), rates
    assert (np.diff(quality) > 0).all(), quality


def test_ten_bits_with_rounding_are_better_than_eight_cut() -> None:
    x = image(24, 24)
    codecs = {name: load(4, vtm_colour=name) for name in MODES}
    got = {name: psnr(x, codec.decompress(codec.compress(x))) for name, codec in codecs.items()}
    assert got["ycbcr10"] > got["ycbcr8"] + 0.5
    assert got["ycbcr8"] > got["ycbcr8-truncated"] + 2


def test_the_bytes_are_those_of_the_papers_command_line(tmp_path: Path) -> None:
    codec = load(37, vtm_colour="ycbcr8")
    x = image(24, 32)
    codec.write_input(x[0].mul(255).round().byte().permute(1, 2, 0).numpy(), tmp_path)
    argv = f"-i {INPUT} -c {codec.binaries.config} -o output.yuv -b output.bin -wdt 32 -hgt 24 -q 37".split()
    argv += ["--InputBitDepth=8", "-fr", "1", "-f", "1", "--InputChromaFormat=444"]
    run_program([codec.binaries.encoder, *argv], tmp_path, timeout_s=120)
    assert (tmp_path / "output.bin").read_bytes() == codec.compress(x).payload


def test_saved_bitstreams_decode_again_in_their_own_colour_path(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    Image.fromarray(draw_sample(1, 64, 96)).save(tmp_path / "pictures/1.png")
    given = {"codecs": "vtm", "qualities": ["vtm-9.1=40"], "datasets": str(tmp_path / "pictures"), "measure": "quality"}
    run(Options(**given, vtm_colour="ycbcr8", save="bitstreams", device="cpu", out=tmp_path / "run"), Silent())
    assert [decode.outcome for decode in check_decodes(tmp_path / "run", device="cpu")[1]] == ["exact"]


def test_vtms_own_words_reach_the_error() -> None:
    codec = load(37)
    with pytest.raises(ProgramError, match=r"EncoderAppStatic ended with exit code 1: .*QP exceeds supported range"):
        VtmCodec(codec.binaries, codec.colour, 99).compress(image(8, 8))


def start(folder: Path) -> subprocess.Popen[bytes]:
    (folder / "temp").mkdir(exist_ok=True)
    argv = [str(Path(sys.executable).with_name("lic-bench")), "run", "--codecs", "vtm", "--measure", "quality"]
    argv += ["--datasets", str(folder / "crops"), "--out", str(folder / "run"), "--jobs", "2"]
    own = {"TMPDIR": str(folder / "temp"), "LIC_BENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(argv, env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_three_crops_at_six_qps_survive_kill_9(tmp_path: Path) -> None:
    (tmp_path / "crops").mkdir()
    for number in range(3):
        Image.fromarray(draw_sample(number, 32, 24)).save(tmp_path / "crops" / f"{number}.png")
    records = tmp_path / "run" / "records.jsonl"
    for count in (2, 7):
        killed = start(tmp_path)
        end = time.monotonic() + 120
        while not records.exists() or len(records.read_bytes().splitlines()) < count:
            assert killed.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    stored = records.read_bytes().splitlines()
    assert start(tmp_path).wait(300) == 0
    rows = [json.loads(line) for line in records.read_bytes().splitlines()]
    assert len(stored) < 18
    assert len({(row["quality"], row["image"]) for row in rows}) == len(rows) == 18
    assert {(row["status"], row["mode"], row["encoder_version"]) for row in rows} == {("ok", "ycbcr10", "9.1")}
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 18
    assert [path.name for path in (tmp_path / "temp").glob("*/*")] == [".lock"]
