"""Downloading the authors' weights: from the addresses in the SPECs, from a mirror, or by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

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
from lic_bench.codecs.registry import choose_codecs, find_codecs
from lic_bench.errors import UserError
from lic_bench.fetch.google_drive import DRIVE, direct_address, file_query
from lic_bench.fetch.http_requests import Unreachable, check_address, host_of
from lic_bench.fetch.resumable_download import Progress, WrongHash, download
from lic_bench.fetch.weights_outcome import Outcome
from lic_bench.fetch.weights_sources import Source, Sources, can_be_fetched
from lic_bench.spec import CodecSpec
from lic_bench.system.named_folders import named_folder

LEAST_BYTES = 1024  # the smallest network is some megabytes; less is an error message
MOST_BYTES = 1 << 33  # the largest file, with the optimiser's state, has about one gigabyte
ZIP_MAGIC, PICKLE_MAGIC, TAR_MAGIC_AT = b"PK\x03\x04", b"\x80", 257


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """From where and to where. folders: where weights are looked for; downloads go to the first.

    unreachable: host -> why it could not be reached; it is not tried again for the next file.
    """

    folders: list[Path]
    sources: Sources
    progress: Progress | None
    unreachable: dict[str, Unreachable] = field(default_factory=dict)


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
    A file that is there and has the right hash stays. A file by a third party's link is kept only if the codec's
    network takes it. The outcome says what failed; the other files are fetched.
    Raises UserError before any download: an unknown codec, no http address, no place to write.
    """
    specs = choose_codecs(",".join(dict.fromkeys(spec.base for spec in choose_codecs(codecs))))
    if mirror:
        check_address(mirror)
    folders = [given] if (given := named_folder(checkpoints)) else checkpoint_folders(None)
    try:
        folders[0].mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write to {folders[0]}: {error.strerror}; choose another --checkpoints.") from None
    route = _Route(folders=folders, sources=Sources(mirror=mirror, drive=drive), progress=progress)
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


def codecs_with_weights() -> str:
    """The codecs whose weights can be fetched, with the number of files: "elic (6), fat (6)"."""
    counts = {spec.name: sum(map(can_be_fetched, spec.checkpoints.values())) for spec in find_codecs().values()}
    return ", ".join(f"{name} ({count})" for name, count in counts.items() if count)


def _fetch_codec(spec: CodecSpec, route: _Route) -> Outcome:
    outcome = Outcome(codec=spec.name, folder=route.folders[0] / spec.name, files=len(spec.checkpoints))
    for quality, checkpoint in spec.checkpoints.items():
        outcome.addresses += bool(route.sources.mirror) or can_be_fetched(checkpoint)
        try:
            _fetch_file(spec, quality, route, outcome)
        except Unreachable as error:
            route.unreachable[error.host] = error
            why = f"{error.host} cannot be reached ({error.reason})"
            outcome.out_of_reach.setdefault(why, []).append(checkpoint.file)
        except UserError as error:
            outcome.errors.append(f"{spec.name}/{checkpoint.file}: {error}")
        except OSError as error:
            outcome.errors.append(f"{spec.name}/{checkpoint.file}: cannot be written: {error}; make room")
    return outcome


def _fetch_file(spec: CodecSpec, quality: int, route: _Route, outcome: Outcome) -> None:
    checkpoint = spec.checkpoints[quality]
    if there := find_released(spec, route.folders).get(quality):
        check_sha256(spec, quality, there)
        outcome.kept += 1
        return
    if error := route.unreachable.get(host_of(route.sources.mirror or checkpoint.url or "")):
        raise error
    source = route.sources.of(spec, checkpoint, outcome.folder / checkpoint.file)
    if source is None:
        outcome.by_hand.setdefault(checkpoint.url or "the authors", []).append(checkpoint.file)
        return
    if source.doubt:
        outcome.by_third_party.setdefault(source.doubt, []).append(checkpoint.file)
    _download(spec, quality, source, route)
    outcome.downloaded += 1


def _download(spec: CodecSpec, quality: int, source: Source, route: _Route) -> None:
    """Download one file and note it in the lock. Its hash must be the one in SPEC, else the one in the lock."""
    checkpoint = spec.checkpoints[quality]
    folder, key = route.folders[0], key_of(spec.name, checkpoint.file)
    address, target = source.address, folder / spec.name / checkpoint.file
    known = read_lock(folder).get(key)
    expected = checkpoint.sha256 or (known.sha256 if known else None)
    url = direct_address(address, target, route.sources.drive) if file_query(address) else address
    check = partial(_not_of_network, spec, quality) if source.doubt else not_weights
    try:
        progress = _with_codec(key, route.progress)
        bounds = {"least": LEAST_BYTES, "most": MOST_BYTES}
        sha256 = download(url, target, sha256=expected, progress=progress, source=address, check=check, **bounds)
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


def _not_of_network(spec: CodecSpec, quality: int, file: Path) -> str | None:
    """What is wrong with a file, in words; None if it holds all tensors of this codec's network in their shapes."""
    if problem := not_weights(file):
        return problem
    from lic_bench.codecs.loading import SEED, Misfit, new_network  # torch

    try:
        new_network(spec, quality, file, SEED)
    except Misfit as error:
        return f"a file that {error.reason}"
    except UserError as error:
        return f"a file that cannot be used: {str(error).rstrip('.')}"
    return None


def _with_codec(key: str, progress: Progress | None) -> Progress | None:
    """The same progress, shown for codec/file: names like q1.pth are used by many."""
    return progress and (lambda _, done, total: progress(key, done, total))
