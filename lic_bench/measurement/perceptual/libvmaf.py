"""VMAF, VMAF-NEG, PSNR-HVS-M, CIEDE2000 and SSIM by libvmaf, in the FFmpeg that imageio-ffmpeg carries.

Each pair is one call, as of a picture in a sequence VMAF would measure motion. Both pictures are YCbCr by BT.709 in
video range, 4:4:4 at 10 bits.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual.colour import Pixels, video_file
from lic_bench.measurement.perceptual.packages import need_package
from lic_bench.system.programs import ProgramError, run_program
from lic_bench.system.workspaces import workspace

MODELS = {"vmaf": "vmaf_v0.6.1", "vmaf-neg": "vmaf_v0.6.1neg"}  # both are built in
FEATURES = {"psnr-hvs-m": "psnr_hvs", "ciede2000": "ciede", "ssim": "float_ssim"}
LOGGED = {"psnr-hvs-m": "psnr_hvs", "ciede2000": "ciede2000", "ssim": "float_ssim"}
SMALLEST_SIDE = 32  # below 17 libvmaf crashes
TIMEOUT_S = 600.0
QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error", "-noauto_conversion_filters")


def implementation(name: str, _weights: Mapping[str, Path]) -> str:
    """libvmaf's version, the model of VMAF, FFmpeg's package. Raises UserError if it is missing or does not work."""
    package = need_package("imageio-ffmpeg", "imageio_ffmpeg", extra="video")
    model = f", {MODELS[name]}" if name in MODELS else ""
    return f"libvmaf {libvmaf_version(ffmpeg())}{model} ({package})"


def measure(original: Pixels, decoded: Pixels, names: Sequence[str], _weights: object) -> dict[str, float | None]:
    """Of two pictures of one size; None where a value is infinite. Raises ProgramError if FFmpeg fails."""
    logged = run_libvmaf(ffmpeg(), original, decoded, names)["frames"][0]["metrics"]
    return {name: logged[LOGGED.get(name, name)] for name in names}


def ffmpeg() -> Path:
    """The FFmpeg that imageio-ffmpeg names. Raises UserError where there is none."""
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        named = get_ffmpeg_exe()
    except RuntimeError:
        raise UserError("imageio-ffmpeg has no FFmpeg for this machine: name one by $IMAGEIO_FFMPEG_EXE.") from None
    return Path(shutil.which(named) or named).absolute()


@cache
def libvmaf_version(program: Path) -> str:
    """As it says itself; by measuring a small grey picture with everything that is asked of it here."""
    grey = np.full((SMALLEST_SIDE, SMALLEST_SIDE, 3), 128, np.uint8)
    try:
        return str(run_libvmaf(program, grey, grey, (*MODELS, *FEATURES))["version"])
    except ProgramError as error:
        advice = "pip install 'lic-bench[video]' brings one that does, $IMAGEIO_FFMPEG_EXE names another"
        raise UserError(f"{program} does not measure by libvmaf; {advice}. It said: {error}") from None


def run_libvmaf(program: Path, original: Pixels, decoded: Pixels, names: Sequence[str]) -> dict[str, Any]:
    """What libvmaf logs of one pair."""
    height, width, _ = original.shape
    source = ("-f", "rawvideo", "-pix_fmt", "yuv444p10le", "-s", f"{width}x{height}", "-i")
    with workspace("libvmaf") as folder:
        (folder / "original").write_bytes(video_file(original))
        (folder / "decoded").write_bytes(video_file(decoded))
        argv = [
            str(program),
            *QUIET,
            *source,
            "decoded",
            *source,
            "original",
            "-lavfi",
            _filter(names),
            "-f",
            "null",
            "-",
        ]
        run_program(argv, folder, timeout_s=TIMEOUT_S)
        log: dict[str, Any] = json.loads((folder / "log").read_text())
        return log


def _filter(names: Sequence[str]) -> str:
    """FFmpeg's filter that measures these, the decoded picture first."""
    models = "|".join(rf"version={MODELS[name]}\:name={name}" for name in names if name in MODELS)
    features = "|".join(f"name={FEATURES[name]}" for name in names if name in FEATURES)
    options = f"n_threads=1:log_fmt=json:log_path=log:model='{models}'"
    return f"[0:v][1:v]libvmaf={options}" + (f":feature='{features}'" if features else "")
