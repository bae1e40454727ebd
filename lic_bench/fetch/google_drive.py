"""Google Drive: the address of the bytes of a file, from a link to it, past the page that warns of viruses."""

import re
from dataclasses import dataclass
from functools import partial
from html.parser import HTMLParser
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit

from lic_bench.errors import UserError
from lic_bench.fetch.http_requests import TEMPORARY, TryAgain, is_web_page, open_url, read_bytes, with_retries

DRIVE = "https://drive.google.com"
HOSTS = frozenset(("drive.google.com", "docs.google.com", "drive.usercontent.google.com"))
ENGLISH = {"Accept-Language": "en"}  # the pages are told apart by their words
QUOTA = ("quota exceeded", "too many users have viewed or downloaded this file recently")
PAGE_BYTES = 1 << 20
HOPS = 3  # the page that warns of viruses, the file, and one to spare


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A web page that came instead of a file. url: where it was in the end. status: of HTTP."""

    url: str
    status: int
    html: str


def file_query(url: str) -> dict[str, str] | None:
    """The query (id, for older files also resourcekey) that names a file in a Drive link; None for other addresses."""
    parts = _split(url)
    if parts is None or parts.hostname not in HOSTS:
        return None
    given = dict(parse_qsl(parts.query))
    in_path = re.search(r"/file/(?:u/\d+/)?d/([\w-]+)", parts.path)
    if in_path:
        given["id"] = in_path[1]
    elif not re.fullmatch(r"(/u/\d+)?/(uc|open|download)", parts.path):
        return None
    return {key: given[key] for key in ("id", "resourcekey") if key in given} if "id" in given else None


def direct_address(url: str, target: Path, drive: str = DRIVE) -> str:
    """The address of the bytes of the file that a Drive link names. It works for some minutes only.

    target: where the file is to go, for messages. drive: another server that answers as Drive does.
    Raises UserError: no link to a file, quota used up, a file that is gone or not shared, no connection.
    """
    query = file_query(url)
    if query is None:
        raise UserError(f"{url} is no link to a single file of Google Drive; such a link has /file/d/ID/ or ?id=ID.")
    address = f"{drive}/uc?" + urlencode({"export": "download", **query})
    for _ in range(HOPS):
        page = with_retries(partial(page_at, address), url, target)
        if page is None:
            return address
        onward = confirmation_address(page.html, page.url)
        if onward is None:
            raise refusal(page, url, target)
        address = onward
    raise UserError(f"Google Drive asks again and again to confirm {url}: download it in a browser to {target}.")


def confirmation_address(html: str, base: str) -> str | None:
    """The address behind "download anyway" on the page that warns of viruses; None for other pages.

    base: the address of the page. Only a form that leads to Drive or to the page's own server counts.
    """
    for action, inputs in _parse(html).forms:
        address = _split(action, base)
        if address is None:
            continue
        query = dict(parse_qsl(address.query)) | inputs
        trusted = address.scheme in ("http", "https") and address.hostname in {*HOSTS, urlsplit(base).hostname}
        if trusted and {"id", "confirm"} <= query.keys():
            return address._replace(query=urlencode(query)).geturl()
    return None


def quota_used_up(html: str) -> bool:
    """Whether a page says that a file has been downloaded too often of late."""
    words = " ".join(_parse(html).words.split()).lower()
    return any(phrase in words for phrase in QUOTA)


def refusal(page: Page, url: str, target: Path) -> UserError:
    """The error that says why Drive sent a page instead of the file, and what to do about it."""
    by_hand = f"download {url} in a browser and put it at {target}"
    if quota_used_up(page.html):
        return UserError(
            "Google Drive's quota for this file is used up (too many downloads of late): "
            f"try again later, usually within 24 hours, or {by_hand}."
        )
    if page.status == 404:
        return UserError(f"Google Drive has no file at {url} any more; ask its authors, or take a mirror with --url.")
    if page.status in (401, 403) or (urlsplit(page.url).hostname or "").startswith("accounts."):
        return UserError(f"Google Drive gives {url} only to those it is shared with: log in, {by_hand}.")
    return UserError(f"Google Drive answers with a page instead of the file (status {page.status}): {by_hand}.")


def page_at(address: str) -> Page | None:
    """The web page at an address; None if a file is there, which is not read. TryAgain where another try may help."""
    try:
        with open_url(address, ENGLISH) as response:
            return _page(response) if is_web_page(response) else None
    except HTTPError as error:
        with error:
            page = _page(error)
        if error.code in TEMPORARY and not quota_used_up(page.html):
            raise TryAgain(f"the server answers {error.code} {error.reason}") from None
        return page


def _page(response: HTTPResponse | HTTPError) -> Page:
    html = read_bytes(response, PAGE_BYTES).decode("utf-8", errors="replace")
    return Page(url=response.geturl(), status=response.status or 0, html=html)


def _split(url: str, base: str = "") -> SplitResult | None:
    """The parts of an address, which may be relative to `base`; None for what is none."""
    try:
        return urlsplit(urljoin(base, url))
    except ValueError:
        return None


class _PageParser(HTMLParser):
    """Reads the forms of a page, as (action, hidden inputs), and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._in_form = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
            self._in_form = True
        elif tag == "input" and self._in_form and given.get("type") == "hidden" and given.get("name"):
            self.forms[-1][1][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._in_form = self._in_form and tag != "form"

    def handle_data(self, data: str) -> None:
        self.words += data + " "


def _parse(html: str) -> _PageParser:
    parser = _PageParser()
    parser.feed(html)
    parser.close()
    return parser
