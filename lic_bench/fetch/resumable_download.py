"""One file over HTTP: resumed where the server allows it, tried again where that can help, and checked."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import HTTPError

from lic_bench.errors import UserError
from lic_bench.fetch.http_requests import TEMPORARY, TryAgain, is_web_page, open_url, read_bytes, with_retries

CHUNK = 1 << 16
RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")  # of a Content-Range: the first byte, and the bytes of the whole file

Progress = Callable[[str, int, int | None], None]  # name, bytes so far, bytes in all if known


class WrongHash(UserError):
    """A whole file came, but its hash, `sha256`, is not the expected one."""

    def __init__(self, message: str, sha256: str) -> None:
        super().__init__(message)
        self.sha256 = sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transfer:
    """One file on its way. source, most: as of `download`. part: the file of the bytes so far."""

    url: str
    source: str
    target: Path
    part: Path
    most: int
    progress: Progress | None

    @property
    def mark(self) -> Path:
        """The file that says which file of the server `part` is the beginning of."""
        return self.part.with_name(self.part.name + ".json")

    def discard(self) -> None:
        """Remove what has come so far."""
        self.part.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)

    def too_large(self) -> UserError:
        """Keep nothing; the error that says so."""
        self.discard()
        return UserError(
            f"{self.source} sends more than {self.most} bytes, which no such file has; nothing was kept. Give another "
            "address with --url."
        )


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What came before. size: its bytes. validator, total: of the server's file that it is the beginning of.

    total: bytes, None if the server did not say.
    """

    size: int = 0
    validator: str = ""
    total: int | None = None


def download(
    url: str,
    target: Path,
    *,
    most: int,
    sha256: str | None = None,
    progress: Progress | None = None,
    source: str | None = None,
    least: int = 0,
    check: Callable[[Path], str | None] | None = None,
) -> str:
    """Download `url` to `target` and return its sha256. The target is there whole or not at all.

    The bytes so far are kept beside it as NAME.part. The next attempt, or the next call, resumes there if the server
    proves (by ETag or date, and by its size) that the file is still the same.
    most: the most bytes that such a file can have.
    source: the address that people know, if `url` is another one at every call; None: `url`.
    least: the least bytes that such a file can have. check: returns what is wrong with a file, in words, or None.
    Raises WrongHash if the sha256 is not the given one, and UserError: no connection, a refusal, a web page instead of
    a file, too short or too long a file, no room.
    """
    part = target.with_name(target.name + ".part")
    transfer = _Transfer(url=url, source=source or url, target=target, part=part, most=most, progress=progress)
    with_retries(lambda: _request(transfer), transfer.source, target)
    actual = _check(transfer, sha256, least, check)
    part.replace(target)
    transfer.mark.unlink(missing_ok=True)
    return actual


def _request(transfer: _Transfer) -> None:
    """Ask for the bytes that are missing, and add them."""
    there = _beginning(transfer)
    asked = {"Range": f"bytes={there.size}-", "If-Range": there.validator} if there.size else None
    try:
        with open_url(transfer.url, asked) as response:
            if is_web_page(response):
                raise UserError(
                    f"{transfer.source} is a web page, not the file: a login, quota or error page, or the file has "
                    "moved. Open it in a browser, or give another address with --url."
                )
            _receive(transfer, response, there)
    except HTTPError as error:
        with error:
            raise _refusal(transfer, error) from None


def _refusal(transfer: _Transfer, error: HTTPError) -> Exception:
    if error.code == 416:  # what is there is not the beginning of what the server has
        transfer.discard()
        return TryAgain("the server has a shorter file than before")
    if error.code in TEMPORARY:
        return TryAgain(f"the server answers {error.code} {error.reason}")
    return UserError(
        f"Cannot download {transfer.source}: the server answers {error.code} {error.reason}; "
        "give another address with --url, or get the files by other means."
    )


def _beginning(transfer: _Transfer) -> _Beginning:
    """What is there already; nothing where it is not known of which file it is the beginning."""
    try:
        mark = json.loads(transfer.mark.read_text())
        if mark["url"] == transfer.source and mark["validator"]:
            return _Beginning(transfer.part.stat().st_size, str(mark["validator"]), mark.get("total"))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return _Beginning()


def _receive(transfer: _Transfer, response: HTTPResponse, there: _Beginning) -> None:
    """Append the body to what is there, or begin anew if the server sends the whole file."""
    start, total = there.size, _total(response)
    if response.status != 206:
        start = 0
    elif not _continues(response, there):
        transfer.discard()
        raise TryAgain("the server sent a part of another file, or another part than asked for")
    if total is not None and total > transfer.most:
        raise transfer.too_large()
    try:
        done = _write(transfer, response, start, total)
    except OSError as error:
        raise UserError(
            f"Cannot write {transfer.part}: {error.strerror}; make room or choose another folder."
        ) from None
    if total is not None and done != total:
        raise TryAgain(f"the connection broke after {done} of {total} bytes")


def _total(response: HTTPResponse) -> int | None:
    """The bytes of the whole file, as far as the server says."""
    part = RANGE.fullmatch(response.headers.get("Content-Range") or "") if response.status == 206 else None
    length = part[2] if part else response.headers.get("Content-Length") or ""
    return int(length) if length.isdecimal() else None


def _continues(response: HTTPResponse, there: _Beginning) -> bool:
    """Whether a part of a file begins where what is there ends, and is of the same version of the file."""
    part = RANGE.fullmatch(response.headers.get("Content-Range") or "")
    same = _validator(response) == there.validator and there.total in (None, _total(response))
    return same and part is not None and int(part[1]) == there.size


def _validator(response: HTTPResponse) -> str:
    """What the server tells this version of the file from others by; "" for nothing that can be relied on."""
    tag = response.headers.get("ETag") or ""
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified") or ""


def _write(transfer: _Transfer, response: HTTPResponse, start: int, total: int | None) -> int:
    """Write the body behind the first `start` bytes; how many bytes there are then."""
    transfer.part.parent.mkdir(parents=True, exist_ok=True)
    mark = {"url": transfer.source, "validator": _validator(response), "total": total}
    transfer.mark.write_text(json.dumps(mark))
    done = start
    with transfer.part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := read_bytes(response, CHUNK):
            if done + len(chunk) > transfer.most:
                raise transfer.too_large()
            file.write(chunk)
            done += len(chunk)
            if transfer.progress:
                transfer.progress(transfer.target.name, done, total)
        file.truncate()
    return done


def _check(transfer: _Transfer, sha256: str | None, least: int, check: Callable[[Path], str | None] | None) -> str:
    """The sha256 of the whole file. Raises UserError for a wrong one, after which nothing is kept."""
    with transfer.part.open("rb") as file:
        beginning = file.read(64).lstrip().lower()
        file.seek(0)
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    advice = "nothing was kept. Try again later or give another address with --url."
    try:
        if beginning.startswith((b"<!doctype html", b"<html")):
            raise UserError(f"{transfer.source} gave a web page; {advice}")
        if (size := transfer.part.stat().st_size) < least:
            raise UserError(f"{transfer.source} gave {size} bytes, too few for such a file; {advice}")
        if check and (complaint := check(transfer.part)):
            raise UserError(f"{transfer.source} gave {complaint}; {advice}")
        if sha256 is not None and actual != sha256:
            hashes = f"sha256 {actual[:12]}..., expected {sha256[:12]}..."
            raise WrongHash(f"{transfer.source} gave another file ({hashes}); {advice}", actual)
    except UserError:
        transfer.discard()
        raise
    return actual
