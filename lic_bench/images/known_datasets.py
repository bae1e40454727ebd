"""The data sets that are known by name: what they consist of, and whether some images are theirs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lic_bench.errors import UserError
from lic_bench.images import sample_pictures as sample
from lic_bench.images.image_file import Image, pixels_sha256, read_pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """What is known of a data set. size, how (to get it), what (it is): in words, for tables.

    sizes: the (width, height) that an image may have; None: any.
    """

    count: int
    size: str
    how: str
    what: str
    sizes: frozenset[tuple[int, int]] | None = None


DATASETS = {
    "kodak": DatasetInfo(
        count=24,
        size="768x512, 512x768",
        how="lic-bench fetch kodak",
        what="Kodak Lossless True Color Image Suite, its 768x512 form",
        sizes=frozenset(((768, 512), (512, 768))),
    ),
    "clic": DatasetInfo(
        count=41,
        size="up to 2048",
        how="lic-bench fetch clic",
        what="CLIC 2020 professional, validation part; not its test part, nor the mobile one",
    ),
    "tecnick": DatasetInfo(
        count=100,
        size="1200x1200",
        how="lic-bench fetch tecnick",
        what="TESTIMAGES (Tecnick) SAMPLING, 8-bit RGB at 1200x1200",
        sizes=frozenset(((1200, 1200),)),
    ),
    "photos": DatasetInfo(
        count=4,
        size="451x300 to 640x427",
        how="pip install 'lic-bench[photos]'",
        what="photographs that scikit-image carries: astronaut, chelsea, coffee (lossless), rocket (a JPEG)",
    ),
    "sample": DatasetInfo(
        count=len(sample.SEEDS),
        size=f"{sample.WIDTH}x{sample.HEIGHT}",
        how="built in",
        what="dead-leaves pictures, made on the spot, with the edges and the spectrum of photographs",
    ),
}


@cache
def read_manifest(name: str) -> dict[str, dict[str, Any]]:
    """file name -> {"width", "height", "bytes", "sha256", "pixels_sha256"} of a data set; {} if unknown."""
    file = Path(__file__).parent / "manifests" / f"{name}.json"
    images: dict[str, dict[str, Any]] = json.loads(file.read_text())["images"] if file.is_file() else {}
    return images


def check_images(name: str, folder: Path, count: int, images: list[Image]) -> Iterator[str]:
    """One line for each way in which these are not the images of the data set `name`."""
    info = DATASETS[name]
    if count != info.count:
        yield f"{name}: {count} images in {folder}, the data set has {info.count}; averages are not comparable."
    usable = [i for i in images if i.problem is None]
    if odd := [
        f"{i.name} ({i.width}x{i.height})" for i in usable if info.sizes and (i.width, i.height) not in info.sizes
    ]:
        yield f"{name}: {_name_few(odd)}: another size than the data set's {info.size}."
    known = read_manifest(name)
    if other := [i.name for i in usable if known and not is_original(i, known.get(Path(i.name).name))]:
        yield (
            f"{name}: {_name_few(other)}: not the known pixels (sha256 differs); get them again: "
            f"lic-bench fetch {name}."
        )


def warns_of(name: str, warning: str) -> bool:
    """Whether a line of `check_images` is about the data set `name`."""
    return warning.startswith(f"{name}: ")


def _name_few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def is_original(image: Image, entry: dict[str, Any] | None) -> bool:
    """Whether an image is the file of an entry of the manifest, or another file with the same pixels."""
    if entry is None or image.path is None:
        return False
    if image.sha256 == entry["sha256"]:
        return True
    try:
        return pixels_sha256(read_pixels(image.path, convert=image.convert)) == str(entry["pixels_sha256"])
    except UserError:
        return False
