"""Google Drive: the files in a shared folder, from the plain page that Drive makes for embedding in other pages.

The library gdown (6.5) reads the same page, but only from drive.google.com over TLS, where no test can stand in for it,
and brings five packages along; what is needed here is a parser of links.
"""

import re
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from lic_bench.errors import UserError
from lic_bench.fetch.google_drive import DRIVE, HOSTS, file_query, page_at
from lic_bench.fetch.http_requests import with_retries


def folder_query(url: str | None) -> dict[str, str] | None:
    """The query (id, for older folders also resourcekey) that names a folder in a Drive link; None for others."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    found = re.fullmatch(r"/drive/(?:u/\d+/|mobile/)?folders/([\w-]+)/?", parts.path)
    if parts.hostname not in HOSTS or not found:
        return None
    given = dict(parse_qsl(parts.query))
    return {"id": found[1]} | {key: given[key] for key in ("resourcekey",) if key in given}


def list_folder(url: str, target: Path, drive: str = DRIVE) -> dict[str, str]:
    """Name -> link of everything in the folder that a Drive link names, in Drive's order; folders end with a slash.

    target: where files from it are to go, for messages. drive: another server that answers as Drive does.
    Of several files of one name, which Drive allows, the first counts.
    Raises UserError: no link to a folder, a folder that is gone, not shared or empty, no connection.
    """
    query = folder_query(url)
    if query is None:
        raise UserError(f"{url} is no link to a folder of Google Drive; such a link has /drive/folders/ID.")
    page = with_retries(partial(page_at, f"{drive}/embeddedfolderview?{urlencode(query)}"), url, target)
    if page is None or page.status != 200:
        raise UserError(f"Google Drive lists no folder at {url} (status {page.status if page else 200}, no list)")
    parser = _LinkParser()
    parser.feed(page.html)
    parser.close()
    entries: dict[str, str] = {}
    for link, words in parser.links:
        name = " ".join(words.split())
        entries.setdefault(f"{name}/" if folder_query(link) else name, link)
    if not entries:
        raise UserError(f"Google Drive shows no files at {url}: it is empty, or only for those it is shared with")
    return entries


class _LinkParser(HTMLParser):
    """Reads the links of a page to files and folders of Drive, as (address, words)."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self._in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href") or ""
        if tag == "a" and (file_query(address) or folder_query(address)):
            self.links.append((address, ""))
            self._in_link = True

    def handle_endtag(self, tag: str) -> None:
        self._in_link = self._in_link and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._in_link:
            address, words = self.links[-1]
            self.links[-1] = address, words + data
