"""GET requests over HTTP, tried again where that can help; a server that hardly sends anything is given up."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from lic_bench.errors import UserError
from lic_bench.fetch.paced_responses import PacedHTTP, PacedHTTPS

ATTEMPTS = 5
PAUSE_S = 0.5  # before the second attempt; doubled each time
TIMEOUT_S = 30.0  # without a single byte
TEMPORARY = frozenset((408, 425, 429, 500, 502, 503, 504))  # statuses after which another attempt may go better
HEADERS = {"User-Agent": "lic-bench", "Accept-Encoding": "identity"}

Result = TypeVar("Result")


class TryAgain(Exception):
    """A request failed, and another attempt may go better. The message says why it failed."""


class NoConnection(TryAgain):
    """The server could not even be asked."""


class Unreachable(UserError):
    """No connection to a server, however often it was tried: host (with its port), and the reason in words."""

    def __init__(self, message: str, host: str, reason: str) -> None:
        super().__init__(message)
        self.host, self.reason = host, reason


def with_retries(request: Callable[[], Result], source: str, target: Path) -> Result:
    """The result of `request`, which is called again, up to ATTEMPTS times, while it raises TryAgain.

    source, target: what is downloaded and to where, for the UserError after the last attempt, which is Unreachable if
    there was no connection.
    """
    last = TryAgain()
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            return request()
        except TryAgain as error:
            last = error
    message = (
        f"Cannot download {source}: {last} ({ATTEMPTS} attempts). Check the network and run the same command again "
        f"(it resumes), or get that file by other means and put it at {target}."
    )
    raise Unreachable(message, host_of(source), str(last)) if isinstance(last, NoConnection) else UserError(message)


def host_of(url: str) -> str:
    """The server in an address, with its port; "" for what is no address."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


@contextmanager
def open_url(url: str, headers: Mapping[str, str] | None = None) -> Iterator[HTTPResponse]:
    """The response to a GET. Raises HTTPError if the server refuses, TryAgain (NoConnection) if the network fails.

    Raises UserError for an address, also one that the server leads on to, that is none.
    """
    try:
        request = Request(url, headers={**HEADERS, **(headers or {})})
        response = build_opener(PacedHTTP, PacedHTTPS, _Redirects).open(request, timeout=TIMEOUT_S)
    except HTTPError:
        raise
    except URLError as error:
        raise NoConnection(str(error.reason) or type(error.reason).__name__) from None
    except (OSError, HTTPException) as error:
        raise TryAgain(str(error or type(error).__name__)) from None
    except ValueError as error:
        raise UserError(
            f"Cannot download {url}: it is, or the server leads on to, an address that cannot be read ({error}); "
            "give another with --url."
        ) from None
    with response:
        yield response


class _Redirects(HTTPRedirectHandler):
    """urllib's, which leaves the connection open where it is led to what is no address."""

    def http_error_302(self, req: Request, fp: Any, code: int, msg: str, headers: HTTPMessage) -> HTTPResponse | None:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def check_address(url: str) -> None:
    """Raise UserError for what is given as --url and is no address on the web."""
    try:
        good = urlsplit(url).scheme in ("http", "https")
    except ValueError:
        good = False
    if not good:
        raise UserError(f"--url {url}: allowed are http:// and https:// addresses.")


def read_bytes(response: HTTPResponse | HTTPError, most: int) -> bytes:
    """At most `most` of the next bytes. Raises TryAgain for a network error, so that OSError means a full disk."""
    try:
        return response.read(most)
    except (HTTPException, OSError) as error:
        raise TryAgain(f"the connection broke ({error or type(error).__name__})") from None


def is_web_page(response: HTTPResponse) -> bool:
    """Whether the server says that it sends a web page."""
    return response.headers.get_content_type() in ("text/html", "application/xhtml+xml")
