"""One file over HTTP: resumed where the server allows it, tried again where that can help, and checked."""

from __future__ import annotations

import hashlib
import json
import ssl
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from lic_bench.errors import UserError

ATTEMPTS = 5
PAUSE_S = 0.5  # before the second attempt; doubled each time
TIMEOUT_S = 30.0
CHUNK = 1 << 16
TEMPORARY = frozenset((408, 425, 429, 500, 502, 503, 504))
NETWORK_ERRORS = (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)

Progress = Callable[[str, int, int | None], None]  # name, bytes so far, bytes in all if known


class _TryAgain(Exception):
    """What went wrong this time, in words; another attempt may go better."""


def download(url: str, target: Path, *, sha256: str | None = None, progress: Progress | None = None) -> str:
    """Fetch url into `target` and return its sha256. The target is there whole or not at all.

    What has come so far is kept beside it as NAME.part, from which the next attempt, or the next call, goes on if the
    server proves (ETag or date) that the file is still the same.
    Raises UserError: no connection, a refusal, a web page instead of a file, other content than `sha256`, no room.
    """
    part = target.with_name(target.name + ".part")
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            _attempt(url, part, target.name, progress)
            return _accept(url, part, target, sha256)
        except _TryAgain as error:
            reason = str(error)
    raise UserError(
        f"Cannot download {url}: {reason} ({ATTEMPTS} attempts). Check the network and run the same command again "
        f"(it resumes), or get that file by other means and put it at {target}."
    )


def _attempt(url: str, part: Path, name: str, progress: Progress | None) -> None:
    start, validator = _resume_point(url, part)
    headers = {"User-Agent": "lic-bench", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    try:
        with urlopen(Request(url, headers=headers), timeout=TIMEOUT_S) as response:
            _refuse_page(url, response)
            _receive(url, response, part, start, name, progress)
    except HTTPError as error:
        raise _judged(url, part, error) from None
    except NETWORK_ERRORS as error:
        raise _TryAgain(str(getattr(error, "reason", None) or error or type(error).__name__)) from None


def _judged(url: str, part: Path, error: HTTPError) -> Exception:
    if error.code == 416:  # what is there is not the beginning of what the server has
        _forget(part)
        return _TryAgain("the server has a shorter file than before")
    if error.code in TEMPORARY:
        return _TryAgain(f"the server answers {error.code} {error.reason}")
    return UserError(
        f"Cannot download {url}: the server answers {error.code} {error.reason}; "
        "give another address with --url, or get the files by other means."
    )


def _resume_point(url: str, part: Path) -> tuple[int, str]:
    """How many bytes are there already and the server's mark of the file they are from; 0 without a mark."""
    try:
        mark = json.loads(_mark_of(part).read_text())
        if mark["url"] == url and mark["validator"]:
            return part.stat().st_size, str(mark["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, ""


def _receive(url: str, response: HTTPResponse, part: Path, start: int, name: str, progress: Progress | None) -> None:
    if response.status == 206:
        begins = (response.headers.get("Content-Range") or "").removeprefix("bytes ").partition("-")[0]
        if begins != str(start):
            _forget(part)
            raise _TryAgain("the server sent another range than asked for")
    else:
        start = 0
    length = response.headers.get("Content-Length")
    total = start + int(length) if length and length.isdigit() else None
    tag = response.headers.get("ETag") or ""
    validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified") or ""
    done = start
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _mark_of(part).write_text(json.dumps({"url": url, "validator": validator}))
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            while chunk := _read(response):
                file.write(chunk)
                done += len(chunk)
                if progress:
                    progress(name, done, total)
            file.truncate()
    except OSError as error:
        raise UserError(f"Cannot write {part}: {error.strerror}; make room or choose another --data-root.") from None
    if total is not None and done != total:
        raise _TryAgain(f"the connection broke after {done} of {total} bytes")


def _read(response: HTTPResponse) -> bytes:
    """The next bytes; a network error is told apart here from an error of writing, both being OSError."""
    try:
        return response.read(CHUNK)
    except (HTTPException, OSError) as error:
        raise _TryAgain(f"the connection broke ({error or type(error).__name__})") from None


def _refuse_page(url: str, response: HTTPResponse) -> None:
    if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise UserError(
            f"{url} is a web page, not the file: a login, quota or error page, or the file has moved. "
            "Open it in a browser, or give another address with --url."
        )


def _accept(url: str, part: Path, target: Path, sha256: str | None) -> str:
    """Check the whole file and move it to its place."""
    with part.open("rb") as file:
        beginning = file.read(64).lstrip().lower()
        file.seek(0)
        found = hashlib.file_digest(file, "sha256").hexdigest()
    page = beginning.startswith((b"<!doctype html", b"<html"))
    if page or (sha256 is not None and found != sha256):
        _forget(part)
        what = (
            "a web page"
            if page
            else f"another file (sha256 {found[:12]}..., expected {sha256[:12] if sha256 else ''}...)"
        )
        raise UserError(f"{url} gave {what}; nothing was kept. Try again later or give another address with --url.")
    part.replace(target)
    _mark_of(part).unlink(missing_ok=True)
    return found


def _mark_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _mark_of(part).unlink(missing_ok=True)
