"""What README shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

from lic_bench.store import Run

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_codec_of_your_own(images: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    (tmp_path / "my_codec").mkdir()
    (tmp_path / "my_codec/codec.py").write_text(code)
    command = [sys.executable, "-m", "lic_bench.cli", "run", "--codecs", "gif", "--datasets", str(images)]
    command += ["--plugin", "my_codec", "--out", "run", "--measure", "quality"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    frame = Run(tmp_path / "run").records
    means = frame.groupby("quality")[["payload_bytes", "mse_8bit"]].mean()
    assert means.payload_bytes.is_monotonic_increasing
    assert means.mse_8bit.is_monotonic_decreasing


def test_its_pictures_and_files_exist() -> None:
    root = Path(__file__).parent.parent
    for path in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (root / path).exists(), path
    for path in re.findall(r"`((?:tests|benchmarks|results)/[\w/.]+)`", README):
        assert (root / path).exists(), path
