"""Getting the authors' weights: from the addresses in the SPECs or a mirror, or by hand where there are none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from lic_bench.codecs.checkpoints import check_sha256, checkpoint_folders, find_checkpoints
from lic_bench.codecs.registry import choose_codecs
from lic_bench.codecs.weights_lock import LOCK, Entry, key_of, read_lock, write_lock
from lic_bench.errors import UserError
from lic_bench.fetch.download import OtherFile, Progress, download
from lic_bench.fetch.google_drive import DRIVE, file_query, resolve
from lic_bench.spec import Checkpoint, CodecSpec
from lic_bench.system.named_folders import named_folder

LEAST_BYTES = 1024  # the smallest network is some megabytes; less is an error message
ZIP_MAGIC, PICKLE_MAGIC, TAR_MAGIC_AT = b"PK\x03\x04", b"\x80", 257
SUFFIXES = (".pth", ".pt", ".tar", ".ckpt", ".bin", ".pkl", ".pickle", ".model")
PAGES = re.compile(r"//(github\.com|huggingface\.co)/.*/blob/|//([^/]+\.)?(dropbox|sharepoint)\.com/")  # about a file


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of one codec's weights. folder: where they belong.

    by_hand: page -> files that are not there, have no address of their own, and are found by a person on that page.
    addresses: files that can be downloaded, whether they are there already or not.
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
    def left(self) -> int:
        """How many files are to be put in place by hand."""
        return sum(map(len, self.by_hand.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Where from and where to. folders: where weights are looked for; the first takes those that are downloaded."""

    folders: list[Path]
    mirror: str | None
    drive: str
    progress: Progress | None

    def address(self, spec: CodecSpec, checkpoint: Checkpoint) -> str | None:
        if self.mirror:
            return f"{self.mirror.rstrip('/')}/{quote(spec.name)}/{quote(checkpoint.file)}"
        return direct_url(checkpoint.url)


def direct_url(url: str | None) -> str | None:
    """The address of a file's own bytes, if `url` is one or a Drive link to a file; None for pages, folders, shares."""
    parts = urlsplit(url or "")
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
    """Bring what can be downloaded of the weights of `codecs` (names with commas) to FOLDER/codec/file.

    checkpoints: that folder, made where it is not there; None: $LIC_BENCH_CHECKPOINTS, else the user cache.
    mirror: take MIRROR/codec/file instead of the known addresses. drive: as of `lic_bench.fetch.google_drive.resolve`.
    A file that is there and has the right hash stays. What fails is told in the outcome and stops nothing else.
    Raises UserError where nothing can be begun: an unknown codec, no http address, no place to write.
    """
    specs = choose_codecs(codecs)
    if mirror and urlsplit(mirror).scheme not in ("http", "https"):
        raise UserError(f"--url {mirror}: allowed are http:// and https:// addresses.")
    folders = [given] if (given := named_folder(checkpoints)) else checkpoint_folders(None)
    try:
        folders[0].mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write to {folders[0]}: {error.strerror}; choose another --checkpoints.") from None
    plan = _Plan(folders=folders, mirror=mirror, drive=drive, progress=progress)
    return [_fetch_codec(spec, plan) for spec in specs]


def not_weights(file: Path) -> str | None:
    """What a file is instead of something torch.save wrote, in words: a zip, a pickle or, of old, a tar."""
    with file.open("rb") as opened:
        beginning = opened.read(TAR_MAGIC_AT + 5)
    if beginning.startswith((ZIP_MAGIC, PICKLE_MAGIC)) or beginning[TAR_MAGIC_AT:] == b"ustar":
        return None
    return f"no PyTorch file (it begins with {beginning[:16]!r}: an error message, perhaps)"


def summary(outcome: Outcome) -> list[str]:
    """What came of one codec, in one line; in a second one what is to be put in place by hand."""
    if not outcome.files:
        return [f"{outcome.codec}: there are no weights to fetch"]
    parts = [f"{outcome.downloaded} downloaded", f"{outcome.kept} there already"]
    parts += [f"{outcome.left} to be put in place by hand"] if outcome.left else []
    parts += [f"{len(outcome.errors)} failed"] if outcome.errors else []
    lines = [f"{outcome.codec}: {', '.join(parts)}; in {outcome.folder}"]
    if outcome.left:
        files = "; ".join(f"{', '.join(files)} from {page}" for page, files in outcome.by_hand.items())
        lines += [f"{outcome.codec}: by hand: {files}; into {outcome.folder}"]
    return lines


def shortfall(outcomes: Sequence[Outcome]) -> str | None:
    """Why this fetching has failed as a whole, in one line; None where all went well or the rest is left to hands."""
    failed = sum(len(outcome.errors) for outcome in outcomes)
    if failed:
        return f"{failed} of {sum(outcome.files for outcome in outcomes)} files could not be had, see above."
    left = sum(outcome.left for outcome in outcomes)
    if left and not any(outcome.addresses for outcome in outcomes):
        return (
            f"nothing can be downloaded: the {left} files above have no address of their own; "
            "put them in place by hand, or name a mirror with --url."
        )
    return None


def _fetch_codec(spec: CodecSpec, plan: _Plan) -> Outcome:
    outcome = Outcome(codec=spec.name, folder=plan.folders[0] / spec.name, files=len(spec.checkpoints))
    for quality, checkpoint in spec.checkpoints.items():
        there = find_checkpoints(spec, plan.folders).get(quality)
        address = plan.address(spec, checkpoint)
        outcome.addresses += address is not None
        try:
            if there:
                check_sha256(spec, quality, there)
                outcome.kept += 1
            elif address is None:
                outcome.by_hand.setdefault(checkpoint.url or "the authors", []).append(checkpoint.file)
            else:
                _bring(spec, checkpoint, address, plan)
                outcome.downloaded += 1
        except UserError as error:
            outcome.errors.append(f"{spec.name}/{checkpoint.file}: {error}")
        except OSError as error:
            outcome.errors.append(f"{spec.name}/{checkpoint.file}: cannot be written: {error}; make room")
    return outcome


def _bring(spec: CodecSpec, checkpoint: Checkpoint, address: str, plan: _Plan) -> None:
    """Download one file and note it in the lock; the hash in SPEC comes before the one in the lock."""
    folder, key = plan.folders[0], key_of(spec.name, checkpoint.file)
    target = folder / spec.name / checkpoint.file
    known = read_lock(folder).get(key)
    expected = checkpoint.sha256 or (known.sha256 if known else None)
    url = resolve(address, target, plan.drive) if file_query(address) else address
    try:
        progress = _named(key, plan.progress)
        sha256 = download(
            url, target, sha256=expected, progress=progress, source=address, least=LEAST_BYTES, check=not_weights
        )
    except OtherFile as error:
        if checkpoint.sha256 or not known:
            raise
        raise UserError(
            f"{address} has changed: sha256 {error.found[:12]}..., the download of {known.date} had "
            f"{known.sha256[:12]}...; remove {key!r} from {folder / LOCK} to accept the new file."
        ) from None
    today = datetime.now(UTC).date().isoformat()
    entry = Entry(sha256=sha256, url=address, size=target.stat().st_size, date=today)
    write_lock(folder, read_lock(folder) | {key: entry})


def _named(key: str, progress: Progress | None) -> Progress | None:
    """Show a file with its codec: names like q1.pth are used by many."""
    return progress and (lambda _, done, total: progress(key, done, total))
