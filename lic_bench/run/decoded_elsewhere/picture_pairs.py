"""Each decoded picture beside its original and its size, and whatever does not fit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lic_bench.errors import UserError, printable
from lic_bench.images.datasets import Dataset, image_files
from lic_bench.images.image_file import Image, image_of_file
from lic_bench.run.decoded_elsewhere.coded_sizes import LOSSLESS, Size, read_sizes, sizes_beside
from lic_bench.run.decoded_elsewhere.picture_names import Name, Pattern, find_pattern, images_by_name
from lic_bench.system.named_folders import named_folder

MARKS = {"@": "variants of codecs", ":": "codecs that are named by their module"}  # what a codec's name may not hold


@dataclass(frozen=True, slots=True)
class Pair:
    """A decoded picture and its original. bytes: None where no sizes are known."""

    name: Name
    original: Image
    decoded: Image
    bytes: int | None


class Problem(NamedTuple):
    """What does not fit. codec, quality: "" where it is not known."""

    codec: str
    quality: int | str
    what: str
    image: str


@dataclass(slots=True)
class Pairing:
    """pattern: as it was understood. sizes: in words, where they are from; "" where there are none."""

    dataset: Dataset
    pattern: str
    sizes: str
    pairs: list[Pair] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def pair_pictures(dataset: Dataset, decoded: Path, pattern: str | None, sizes: Path | None) -> Pairing:
    """Read all names, sizes and pictures below the folder `decoded`; nothing is measured.

    pattern: of picture_names.Pattern; found if None. sizes: a CSV file; None: what lies beside the pictures.
    Raises UserError for a folder without pictures, and where no name or no size can be read.
    """
    files = _files(decoded)
    originals = {image.name: image for image in dataset.usable}
    images = images_by_name([image.name for image in dataset.images])
    codec = printable(decoded.resolve().name)
    paths = [printable(path) for path in files]
    chosen = Pattern(pattern, codec) if pattern else find_pattern(paths, images, codec, str(decoded))
    read = list(_read(files, chosen, images))
    pictures, problems = _one_each(read)
    known, source, several = _sizes(pictures, sizes, images)
    pairing = Pairing(dataset, chosen.text, source, problems=[*problems, *_unread(files, read, chosen)])
    pairing.problems += [
        *(Problem(*name[:2], "a size, but no picture", name.image) for name in known if name not in pictures),
        *(Problem(*name[:2], f"several bitstreams: {_names(found)}", name.image) for name, found in several.items()),
    ]
    for name, file in ((name, file) for name, file in pictures.items() if name not in several):
        problem, pair = _pair(name, file, originals, known.get(name), needs_size=bool(source))
        pairing.pairs += [pair] if pair else []
        pairing.problems += [Problem(*name[:2], problem, name.image)] if problem else []
    pairing.problems += _lacking(pictures, originals)
    pairing.problems.sort(key=lambda problem: (problem.codec, problem.quality or 0))
    return pairing


def _files(folder: Path) -> dict[str, Path]:
    """Path below the folder, with slashes -> file, of every picture there."""
    if not (folder := named_folder(folder) or folder).is_dir():
        raise UserError(f"{folder} is no folder; give the one that holds the decoded pictures.")
    files = {file.relative_to(folder).as_posix(): file for file in image_files(folder)}
    if not files:
        raise UserError(f"{folder} holds no decoded pictures; allowed are PNG, PPM, BMP, TIFF, WebP and JPEG files.")
    return files


def _read(files: Mapping[str, Path], pattern: Pattern, images: Mapping[str, str]) -> Iterator[tuple[Name, Path]]:
    for path, file in files.items():
        if name := pattern.read(printable(path)):
            for mark, what in MARKS.items():
                if mark in name.codec:
                    raise UserError(f"Codec {name.codec!r}: {mark} is kept for {what}; call it otherwise.")
            yield name._replace(image=images.get(name.image, name.image)), file


def _one_each(read: Iterable[tuple[Name, Path]]) -> tuple[dict[Name, Path], list[Problem]]:
    """The decoded picture of each name: the lossless one, where it has its bitstream beside it."""
    files: defaultdict[Name, list[Path]] = defaultdict(list)
    for name, file in read:
        files[name].append(file)
    pictures, problems = {}, []
    for name, found in files.items():
        lossless = [file for file in found if file.suffix.lower() in LOSSLESS]
        if len(chosen := lossless or found) == 1:
            pictures[name] = chosen[0]
        else:
            problems.append(Problem(*name[:2], f"several pictures: {_names(chosen)}", name.image))
    return pictures, problems


def _sizes(
    pictures: Mapping[Name, Path], table: Path | None, images: Mapping[str, str]
) -> tuple[dict[Name, Size], str, dict[Name, list[Path]]]:
    """The sizes, in words where they are from, and the names that have several files to be the size of."""
    if table is not None:
        return read_sizes(table, images), str(table), {}
    known, several = sizes_beside(pictures)
    own = {pictures[name].suffix.lower() for name in known} - {*LOSSLESS}
    source = f"the {', '.join(sorted(own))} files" if own else "the bitstreams beside the pictures"
    return known, source if known else "", several


def _unread(files: Mapping[str, Path], read: Sequence[tuple[Name, Path]], pattern: Pattern) -> Iterator[Problem]:
    """Paths that are not of the pattern, but for those of another ending than it says."""
    there = {file for _, file in read}
    ending = Path(pattern.text).suffix if pattern.has_ending else None
    for path, file in files.items():
        if file not in there and (ending is None or file.suffix == ending):
            yield Problem("", "", "a name that is not of the pattern", printable(path))


def _pair(
    name: Name, file: Path, originals: Mapping[str, Image], size: Size | None, *, needs_size: bool
) -> tuple[str, Pair | None]:
    """What is wrong with it, "" if nothing is; the pair if nothing is."""
    original = originals.get(name.image)
    if original is None:
        return "no original that can be used", None
    decoded = image_of_file(file, name.image)
    if decoded.problem:
        return (decoded.oddity.fault if decoded.oddity else decoded.problem), None
    if (decoded.width, decoded.height) != (original.width, original.height):
        return f"{decoded.width}x{decoded.height}, the original is {original.width}x{original.height}", None
    if size is None and needs_size:
        return "a picture, but no size", None
    pixels = (original.width or 0) * (original.height or 0)
    return "", Pair(name, original, decoded, size.in_bytes(pixels) if size else None)


def _lacking(pictures: Iterable[Name], originals: Iterable[str]) -> Iterator[Problem]:
    """The originals that a codec lacks at a quality."""
    there: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for name in pictures:
        there[name.codec, name.quality].add(name.image)
    for (codec, quality), images in there.items():
        yield from (Problem(codec, quality, "not decoded", image) for image in originals if image not in images)


def _names(files: Iterable[Path]) -> str:
    return ", ".join(printable(file.name) for file in files)
