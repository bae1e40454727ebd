"""Downloading the authors' weights: from the addresses in the SPECs, from a mirror, or by hand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from lic_bench.codecs.checkpoint_zip import zip_problem
from lic_bench.codecs.checkpoints import (
    LOCK,
    Entry,
    check_sha256,
    checkpoint_folders,
    find_released,
    key_of,
    read_lock,
    write_lock,
)
from lic_bench.codecs.registry import choose_codecs
from lic_bench.errors import UserError
from lic_bench.fetch.google_drive import DRIVE, direct_address, file_query
from lic_bench.fetch.http_requests import check_address
from lic_bench.fetch.resumable_download import Progress, WrongHash, download
from lic_bench.spec import Checkpoint, CodecSpec
from lic_bench.system.named_folders import named_folder

LEAST_BYTES = 1024  # the smallest network is some megabytes; less is an error message
MOST_BYTES = 1 << 33  # the largest file, with the optimiser's state, has about one gigabyte
ZIP_MAGIC, PICKLE_MAGIC, TAR_MAGIC_AT = b"PK\x03\x04", b"\x80", 257
SUFFIXES = (".pth", ".pt", ".tar", ".ckpt", ".bin", ".pkl", ".pickle", ".model")
PAGES = re.compile(r"//(github\.com|huggingface\.co)/.*/blob/|//([^/]+\.)?(dropbox|sharepoint)\.com/")  # about a file


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What fetching the weights of one codec has led to. folder: where they belong. files: how many there are in all.

    kept: files that were there already. addresses: files that can be downloaded, whether they are there or not.
    by_hand: page -> files that are missing and can only be downloaded by a person on that page.
    """

    codec: str
    folder: Path
    files: int
    downloaded: int = 0
    kept: int = 0
    addresses: int = 0
    by_hand: dict[str, list[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def by_hand_count(self) -> int:
        """How many files are left to a person."""
        return sum(map(len, self.by_hand.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """From where and to where. folders: where weights are looked for; downloads go to the first."""

    folders: list[Path]
    mirror: str | None
    drive: str
    progress: Progress | None

    def address(self, spec: CodecSpec, checkpoint: Checkpoint) -> str | None:
        if self.mirror:
            return f"{self.mirror.rstrip('/')}/{quote(spec.name)}/{quote(checkpoint.file)}"
        return direct_url(checkpoint.url)


def direct_url(url: str | None) -> str | None:
    """The address of the bytes of a file, if `url` is one or a Drive link to one; None for pages, folders, shares."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    if not url or parts.scheme not in ("http", "https") or PAGES.search(url):
        return None
    if query := file_query(url):
        return f"{DRIVE}/uc?" + urlencode({"export": "download", **query})
    asset = parts.hostname == "github.com" and "/releases/download/" in parts.path
    return url if asset or parts.path.lower().endswith(SUFFIXES) else None


def fetch_weights(
    codecs: str,
    checkpoints: Path | None = None,
    mirror: str | None = None,
    progress: Progress | None = None,
    drive: str = DRIVE,
) -> list[Outcome]:
    """Download the weights of `codecs` (names with commas) to FOLDER/codec/file, as far as they have addresses.

    checkpoints: that folder, made if it is not there; None: $LIC_BENCH_CHECKPOINTS, else the user cache.
    mirror: take MIRROR/codec/file instead of the known addresses. drive: as in `google_drive.direct_address`.
    A file that is there and has the right hash stays. The outcome says what failed; the other files are fetched.
    Raises UserError before any download: an unknown codec, no http address, no place to write.
    """
    specs = choose_codecs(codecs)
    if mirror:
        check_address(mirror)
    folders = [given] if (given := named_folder(checkpoints)) else checkpoint_folders(None)
    try:
        folders[0].mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write to {folders[0]}: {error.strerror}; choose another --checkpoints.") from None
    route = _Route(folders=folders, mirror=mirror, drive=drive, progress=progress)
    return [_fetch_codec(spec, route) for spec in specs]


def not_weights(file: Path) -> str | None:
    """What is wrong with a file that torch.save did not write, in words; None for a zip, a pickle or an old tar.

    Of a zip all checksums are checked.
    """
    with file.open("rb") as opened:
        beginning = opened.read(TAR_MAGIC_AT + 5)
    if problem := zip_problem(file):
        return f"a file that {problem}"
    if beginning.startswith((ZIP_MAGIC, PICKLE_MAGIC)) or beginning[TAR_MAGIC_AT:] == b"ustar":
        return None
    return f"no PyTorch file (it begins with {beginning[:16]!r}: an error message, perhaps)"


def summary(outcome: Outcome) -> list[str]:
    """The outcome of one codec in one line, and in a second one what is to be put in place by hand."""
    if not outcome.files:
        return [f"{outcome.codec}: there are no weights to fetch"]
    parts = [f"{outcome.downloaded} downloaded", f"{outcome.kept} there already"]
    parts += [f"{outcome.by_hand_count} to be put in place by hand"] if outcome.by_hand_count else []
    parts += [f"{len(outcome.errors)} failed"] if outcome.errors else []
    text = [f"{outcome.codec}: {', '.join(parts)}; in {outcome.folder}"]
    if outcome.by_hand_count:
        files = "; ".join(f"{', '.join(files)} from {page}" for page, files in outcome.by_hand.items())
        text += [f"{outcome.codec}: by hand: {files}; into {outcome.folder}"]
    return text


def shortfall(outcomes: Sequence[Outcome]) -> str | None:
    """Why the whole command has failed, in one line; None if all went well or the rest is to be done by hand."""
    failed = sum(len(outcome.errors) for outcome in outcomes)
    if failed:
        return f"{failed} of {sum(outcome.files for outcome in outcomes)} files could not be had, see above."
    by_hand = sum(outcome.by_hand_count for outcome in outcomes)
    if by_hand and not any(outcome.addresses for outcome in outcomes):
        return (
            f"nothing can be downloaded: the {by_hand} files above have no address of their own; "
            "put them in place by hand, or name a mirror with --url."
        )
    return None


def _fetch_codec(spec: CodecSpec, route: _Route) -> Outcome:
    outcome = Outcome(codec=spec.name, folder=route.folders[0] / spec.name, files=len(spec.checkpoints))
    for quality, checkpoint in spec.checkpoints.items():
        file = find_released(spec, route.folders).get(quality)
        address = route.address(spec, checkpoint)
        outcome.addresses += address is not None
        try:
            if file:
                check_sha256(spec, quality, file)
                outcome.kept += 1
            elif address is None:
                outcome.by_hand.setdefault(checkpoint.url or "the authors", []).append(checkpoint.file)
            else:
                _download(spec, checkpoint, address, route)
                outcome.downloaded += 1
        except UserError as error:
            outcome.errors.append(f"{spec.name}/{checkpoint.file}: {error}")
        except OSError as error:
            outcome.errors.append(f"{spec.name}/{checkpoint.file}: cannot be written: {error}; make room")
    return outcome


def _download(spec: CodecSpec, checkpoint: Checkpoint, address: str, route: _Route) -> None:
    """Download one file and note it in the lock. Its hash must be the one in SPEC, else the one in the lock."""
    folder, key = route.folders[0], key_of(spec.name, checkpoint.file)
    target = folder / spec.name / checkpoint.file
    known = read_lock(folder).get(key)
    expected = checkpoint.sha256 or (known.sha256 if known else None)
    url = direct_address(address, target, route.drive) if file_query(address) else address
    try:
        progress = _with_codec(key, route.progress)
        bounds = {"least": LEAST_BYTES, "most": MOST_BYTES}
        sha256 = download(url, target, sha256=expected, progress=progress, source=address, check=not_weights, **bounds)
    except WrongHash as error:
        if checkpoint.sha256 or not known:
            raise
        raise UserError(
            f"{address} has changed: sha256 {error.sha256[:12]}..., the download of {known.date} had "
            f"{known.sha256[:12]}...; remove {key!r} from {folder / LOCK} to accept the new file."
        ) from None
    today = datetime.now(UTC).date().isoformat()
    entry = Entry(sha256=sha256, url=address, size=target.stat().st_size, date=today)
    write_lock(folder, read_lock(folder) | {key: entry})


def _with_codec(key: str, progress: Progress | None) -> Progress | None:
    """The same progress, shown for codec/file: names like q1.pth are used by many."""
    return progress and (lambda _, done, total: progress(key, done, total))
