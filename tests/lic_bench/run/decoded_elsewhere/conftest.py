"""Pictures that Pillow coded as JPEG and WebP, decoded to PNG, beside their originals."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lic_bench.images.sample_pictures import draw_sample

SIDE = 176
QUALITIES = (20, 50, 75, 90)
CODERS = {"jpeg": ("JPEG", {}), "webp": ("WEBP", {"method": 4})}  # with the settings of these codecs here


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "originals"
    folder.mkdir()
    for seed in (1, 2):
        Image.fromarray(draw_sample(seed, SIDE, SIDE + 20)).save(folder / f"picture{seed}.png")
    return folder


@pytest.fixture(scope="session")
def coded(originals: Path) -> Callable[[Path], Path]:
    """Writes bitstreams, decoded pictures and sizes.csv into a folder."""

    def write(folder: Path) -> Path:
        lines = ["codec,quality,image,bytes"]
        for file in sorted(originals.iterdir()):
            for codec, (kind, settings) in CODERS.items():
                for quality in QUALITIES:
                    data = io.BytesIO()
                    Image.open(file).save(data, kind, quality=quality, **settings)
                    for branch, ending in (("decoded", ".png"), ("files", f".{kind.lower()}")):
                        (folder / branch / codec / f"q{quality}").mkdir(parents=True, exist_ok=True)
                        path = folder / branch / codec / f"q{quality}" / f"{file.stem}{ending}"
                        if branch == "files":
                            path.write_bytes(data.getvalue())
                        else:
                            Image.open(data).convert("RGB").save(path, compress_level=1)
                    lines.append(f"{codec},{quality},{file.stem},{len(data.getvalue())}")
        (folder / "sizes.csv").write_text("\n".join(lines) + "\n")
        return folder

    return write
