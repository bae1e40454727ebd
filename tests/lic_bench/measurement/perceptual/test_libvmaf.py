import math
import stat
from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from lic_bench.errors import UserError
from lic_bench.measurement.perceptual import libvmaf

pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")
NAMES = ("vmaf", "vmaf-neg", "psnr-hvs-m", "ciede2000", "ssim")


def test_values_on_the_sample(original: np.ndarray, decoded: np.ndarray) -> None:
    """As libvmaf 86da14d gave them: a change of the conversion or of the order of the pictures shows."""
    expected = {"vmaf": 77.696, "vmaf-neg": 77.214, "psnr-hvs-m": 38.202, "ciede2000": 37.948, "ssim": 0.9599}
    measured = libvmaf.measure(original, decoded, NAMES, {})
    assert measured == {name: pytest.approx(value, rel=0.003) for name, value in expected.items()}


def test_ciede2000_by_another_implementation(original: np.ndarray, decoded: np.ndarray) -> None:
    """It would be off by 0.8 dB in full range."""
    differences = deltaE_ciede2000(rgb2lab(original), rgb2lab(decoded), kL=0.65, kC=1, kH=4)
    expected = 45 - 20 * math.log10(differences.mean())
    assert libvmaf.measure(original, decoded, ["ciede2000"], {})["ciede2000"] == pytest.approx(expected, abs=0.25)


def test_one_alone_is_as_among_all(original: np.ndarray, decoded: np.ndarray) -> None:
    together = libvmaf.measure(original[:64, :64], decoded[:64, :64], NAMES, {})
    for name in NAMES:
        assert libvmaf.measure(original[:64, :64], decoded[:64, :64], [name], {}) == {name: together[name]}


def test_identical_pictures_at_the_least_size(original: np.ndarray) -> None:
    picture = original[: libvmaf.SMALLEST_SIDE, : libvmaf.SMALLEST_SIDE]
    measured = libvmaf.measure(picture, picture, NAMES, {})
    assert (measured["ssim"], measured["psnr-hvs-m"], measured["ciede2000"]) == (1, None, None)
    assert measured["vmaf"] > 95  # it is not 100, as nothing moves


def test_implementation_names_library_model_and_package() -> None:
    said = libvmaf.implementation("vmaf", {})
    assert said.startswith("libvmaf ")
    assert "vmaf_v0.6.1 (imageio-ffmpeg " in said
    assert "vmaf_v" not in libvmaf.implementation("ssim", {})


def test_an_ffmpeg_without_libvmaf_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho \"No such filter: 'libvmaf'\" >&2\nexit 8\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    with pytest.raises(UserError, match=r"does not measure by libvmaf; pip install .*No such filter") as caught:
        libvmaf.implementation("vmaf", {})
    assert "\n" not in str(caught.value)
