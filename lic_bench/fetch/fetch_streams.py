"""Downloading the bitstreams that the authors of decode-only codecs released, each of a known hash."""

from dataclasses import dataclass
from pathlib import Path

from lic_bench.codecs.checkpoints import sha256_of
from lic_bench.codecs.registry import choose_codecs, find_codecs
from lic_bench.codecs.released_streams import released_hashes
from lic_bench.errors import UserError
from lic_bench.fetch.http_requests import check_address
from lic_bench.fetch.resumable_download import Progress, download
from lic_bench.images.stored_streams import stream_folders
from lic_bench.spec import CodecSpec, Streams

MOST_BYTES = 1 << 24  # of one; Kodak's have 0.2 MB at most


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedStreams:
    """folder: where the bitstreams are, `files` of them. downloaded: those that were fetched now."""

    folder: Path
    files: int
    downloaded: int


def fetch_streams(
    codecs: str, destination: Path | None = None, base_url: str | None = None, progress: Progress | None = None
) -> list[FetchedStreams]:
    """Bring the released bitstreams of `codecs` (names with commas) to DATA/codec/data set; what is right stays.

    destination: a data root; None: $LIC_BENCH_DATA, else the user cache. base_url: of the folder that holds the files,
    instead of the known one. progress(file, bytes so far, bytes in all or None).
    Raises UserError for a codec without any, and where a download or its check fails; running it again resumes.
    """
    specs = choose_codecs(codecs)
    if base_url:
        check_address(base_url)
    return [_fetch(spec, _streams_of(spec), destination, base_url, progress) for spec in specs]


def codecs_with_streams() -> list[str]:
    """The codecs that have bitstreams to fetch."""
    return [spec.name for spec in find_codecs().values() if spec.streams]


def _streams_of(spec: CodecSpec) -> Streams:
    if spec.streams is None:
        raise UserError(f"Codec {spec.name!r} encodes by itself; bitstreams are of {', '.join(codecs_with_streams())}.")
    return spec.streams


def _fetch(
    spec: CodecSpec, streams: Streams, destination: Path | None, base_url: str | None, progress: Progress | None
) -> FetchedStreams:
    folder = stream_folders(spec.name, data_root=destination)[0] / streams.dataset
    known = released_hashes(streams)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        wrong = {name: sha for name, sha in known.items() if not _is_right(folder / name, sha)}
        for name, sha256 in wrong.items():
            address = f"{(base_url or streams.url).rstrip('/')}/{name}"
            download(address, folder / name, most=MOST_BYTES, sha256=sha256, progress=progress)
    except OSError as error:
        raise UserError(
            f"Cannot write to {folder}: {error.strerror}; make room or choose another --data-root."
        ) from None
    return FetchedStreams(folder=folder, files=len(known), downloaded=len(wrong))


def _is_right(file: Path, sha256: str) -> bool:
    return file.is_file() and sha256_of(file) == sha256
