"""One file over HTTP: resumed where the server allows it, tried again where that can help, and checked."""

from __future__ import annotations

import hashlib
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from lic_bench.errors import UserError

ATTEMPTS = 5
PAUSE_S = 0.5  # before the second attempt; doubled each time
TIMEOUT_S = 30.0
CHUNK = 1 << 16
TEMPORARY = frozenset((408, 425, 429, 500, 502, 503, 504))
NETWORK_ERRORS = (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
HEADERS = {"User-Agent": "lic-bench", "Accept-Encoding": "identity"}

Progress = Callable[[str, int, int | None], None]  # name, bytes so far, bytes in all if known
R = TypeVar("R")


class TryAgain(Exception):
    """What went wrong this time, in words; another attempt may go better."""


class OtherFile(UserError):
    """A whole file came, with another sha256 than the expected one; `found` is what it has."""

    def __init__(self, message: str, found: str) -> None:
        super().__init__(message)
        self.found = found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One file on its way. source: as of `download`. part: what has come so far."""

    url: str
    source: str
    target: Path
    part: Path
    progress: Progress | None


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    source: str | None = None,
    least: int = 0,
    check: Callable[[Path], str | None] | None = None,
) -> str:
    """Fetch url into `target` and return its sha256. The target is there whole or not at all.

    What has come so far is kept beside it as NAME.part, from which the next attempt, or the next call, goes on if the
    server proves (ETag or date) that the file is still the same.
    source: the address that a person knows the file by, where `url` is another one at every call; None: `url`.
    least: bytes that the file must have. check: what is wrong with the content of a file, in words; None: nothing.
    Raises UserError: no connection, a refusal, a web page instead of a file, too short a file, no room; OtherFile:
    other content than `sha256`.
    """
    part = target.with_name(target.name + ".part")
    job = _Job(url=url, source=source or url, target=target, part=part, progress=progress)
    persistently(lambda: _attempt(job), job.source, target)
    return _accept(job, sha256, least, check)


def persistently(work: Callable[[], R], source: str, target: Path) -> R:
    """What `work` returns, called up to ATTEMPTS times while it raises TryAgain; then UserError says why."""
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            return work()
        except TryAgain as error:
            reason = str(error)
    raise UserError(
        f"Cannot download {source}: {reason} ({ATTEMPTS} attempts). Check the network and run the same command again "
        f"(it resumes), or get that file by other means and put it at {target}."
    )


@contextmanager
def opened(url: str, headers: Mapping[str, str] | None = None) -> Iterator[HTTPResponse]:
    """The answer to a GET. Raises HTTPError where the server refuses, TryAgain where the network fails."""
    try:
        with urlopen(Request(url, headers={**HEADERS, **(headers or {})}), timeout=TIMEOUT_S) as response:
            yield response
    except HTTPError:
        raise
    except NETWORK_ERRORS as error:
        raise TryAgain(str(getattr(error, "reason", None) or error or type(error).__name__)) from None


def read(response: HTTPResponse | HTTPError, most: int) -> bytes:
    """At most that many of the next bytes; a network error is TryAgain, to be told apart from an error of writing."""
    try:
        return response.read(most)
    except (HTTPException, OSError) as error:
        raise TryAgain(f"the connection broke ({error or type(error).__name__})") from None


def is_web_page(response: HTTPResponse) -> bool:
    """Whether the server says that it sends a web page."""
    return response.headers.get_content_type() in ("text/html", "application/xhtml+xml")


def _attempt(job: _Job) -> None:
    start, validator = _resume_point(job)
    try:
        with opened(job.url, {"Range": f"bytes={start}-", "If-Range": validator} if start else None) as response:
            if is_web_page(response):
                raise UserError(
                    f"{job.source} is a web page, not the file: a login, quota or error page, or the file has moved. "
                    "Open it in a browser, or give another address with --url."
                )
            _receive(job, response, start)
    except HTTPError as error:
        raise _judged(job, error) from None


def _judged(job: _Job, error: HTTPError) -> Exception:
    if error.code == 416:  # what is there is not the beginning of what the server has
        _forget(job.part)
        return TryAgain("the server has a shorter file than before")
    if error.code in TEMPORARY:
        return TryAgain(f"the server answers {error.code} {error.reason}")
    return UserError(
        f"Cannot download {job.source}: the server answers {error.code} {error.reason}; "
        "give another address with --url, or get the files by other means."
    )


def _resume_point(job: _Job) -> tuple[int, str]:
    """How many bytes are there already and the server's mark of the file they are from; 0 without a mark."""
    try:
        mark = json.loads(_mark_of(job.part).read_text())
        if mark["url"] == job.source and mark["validator"]:
            return job.part.stat().st_size, str(mark["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, ""


def _receive(job: _Job, response: HTTPResponse, start: int) -> None:
    if response.status == 206:
        begins = (response.headers.get("Content-Range") or "").removeprefix("bytes ").partition("-")[0]
        if begins != str(start):
            _forget(job.part)
            raise TryAgain("the server sent another range than asked for")
    else:
        start = 0
    length = response.headers.get("Content-Length")
    total = start + int(length) if length and length.isdigit() else None
    tag = response.headers.get("ETag") or ""
    validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified") or ""
    done = start
    try:
        job.part.parent.mkdir(parents=True, exist_ok=True)
        _mark_of(job.part).write_text(json.dumps({"url": job.source, "validator": validator}))
        with job.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            while chunk := read(response, CHUNK):
                file.write(chunk)
                done += len(chunk)
                if job.progress:
                    job.progress(job.target.name, done, total)
            file.truncate()
    except OSError as error:
        raise UserError(f"Cannot write {job.part}: {error.strerror}; make room or choose another folder.") from None
    if total is not None and done != total:
        raise TryAgain(f"the connection broke after {done} of {total} bytes")


def _accept(job: _Job, sha256: str | None, least: int, check: Callable[[Path], str | None] | None) -> str:
    """Check the whole file and move it to its place."""
    with job.part.open("rb") as file:
        beginning = file.read(64).lstrip().lower()
        file.seek(0)
        found = hashlib.file_digest(file, "sha256").hexdigest()
    advice = "nothing was kept. Try again later or give another address with --url."
    try:
        if beginning.startswith((b"<!doctype html", b"<html")):
            raise UserError(f"{job.source} gave a web page; {advice}")
        if (size := job.part.stat().st_size) < least:
            raise UserError(f"{job.source} gave {size} bytes, too few for such a file; {advice}")
        if check and (complaint := check(job.part)):
            raise UserError(f"{job.source} gave {complaint}; {advice}")
        if sha256 is not None and found != sha256:
            hashes = f"sha256 {found[:12]}..., expected {sha256[:12]}..."
            raise OtherFile(f"{job.source} gave another file ({hashes}); {advice}", found)
    except UserError:
        _forget(job.part)
        raise
    job.part.replace(job.target)
    _mark_of(job.part).unlink(missing_ok=True)
    return found


def _mark_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _mark_of(part).unlink(missing_ok=True)
