"""GET requests over HTTP, tried again where that can help."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from lic_bench.errors import UserError

ATTEMPTS = 5
PAUSE_S = 0.5  # before the second attempt; doubled each time
TIMEOUT_S = 30.0
TEMPORARY = frozenset((408, 425, 429, 500, 502, 503, 504))  # statuses after which another attempt may go better
NETWORK_ERRORS = (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
HEADERS = {"User-Agent": "lic-bench", "Accept-Encoding": "identity"}

Result = TypeVar("Result")


class TryAgain(Exception):
    """A request failed, and another attempt may go better. The message says why it failed."""


def with_retries(request: Callable[[], Result], source: str, target: Path) -> Result:
    """The result of `request`, which is called again, up to ATTEMPTS times, while it raises TryAgain.

    source, target: what is downloaded and to where, for the UserError after the last attempt.
    """
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            return request()
        except TryAgain as error:
            reason = str(error)
    raise UserError(
        f"Cannot download {source}: {reason} ({ATTEMPTS} attempts). Check the network and run the same command again "
        f"(it resumes), or get that file by other means and put it at {target}."
    )


@contextmanager
def open_url(url: str, headers: Mapping[str, str] | None = None) -> Iterator[HTTPResponse]:
    """The response to a GET. Raises HTTPError if the server refuses, TryAgain if the network fails."""
    try:
        with urlopen(Request(url, headers={**HEADERS, **(headers or {})}), timeout=TIMEOUT_S) as response:
            yield response
    except HTTPError:
        raise
    except NETWORK_ERRORS as error:
        raise TryAgain(str(getattr(error, "reason", None) or error or type(error).__name__)) from None


def read_bytes(response: HTTPResponse | HTTPError, most: int) -> bytes:
    """At most `most` of the next bytes. Raises TryAgain for a network error, so that OSError means a full disk."""
    try:
        return response.read(most)
    except (HTTPException, OSError) as error:
        raise TryAgain(f"the connection broke ({error or type(error).__name__})") from None


def is_web_page(response: HTTPResponse) -> bool:
    """Whether the server says that it sends a web page."""
    return response.headers.get_content_type() in ("text/html", "application/xhtml+xml")
