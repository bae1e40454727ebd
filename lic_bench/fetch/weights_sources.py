"""From where a weights file comes: a mirror, its authors' link or Drive folder, a third party's link."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from lic_bench.errors import UserError
from lic_bench.fetch.drive_folder import folder_query, list_folder
from lic_bench.fetch.google_drive import DRIVE, file_query
from lic_bench.fetch.http_requests import Unreachable
from lic_bench.spec import Checkpoint, CodecSpec

SUFFIXES = (".pth", ".pt", ".tar", ".ckpt", ".bin", ".pkl", ".pickle", ".model")
PAGES = re.compile(r"//(github\.com|huggingface\.co)/.*/blob/|//([^/]+\.)?(dropbox|sharepoint)\.com/")  # about a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """address: of the bytes of a file. doubt: why they come by a third party's link; "" where they do not."""

    address: str
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Finds where files are; every Drive folder is listed once. drive: a server that answers as Drive does."""

    mirror: str | None
    drive: str = DRIVE
    _listings: dict[str, Mapping[str, str] | str] = field(default_factory=dict)

    def of(self, spec: CodecSpec, checkpoint: Checkpoint, target: Path) -> Source | None:
        """Where one file is; None where only a person can get it. target: where it is to go, for messages.

        Raises UserError for a file that is not in its folder, with the names that are, if no third party links to it;
        Unreachable where the folder's server cannot be reached.
        """
        if self.mirror:
            return Source(address=f"{self.mirror.rstrip('/')}/{quote(spec.name)}/{quote(checkpoint.file)}")
        if address := direct_url(checkpoint.url):
            return Source(address=address)
        spare, doubt = direct_url(checkpoint.third_party), f"{checkpoint.url} is a page for people"
        if checkpoint.url and folder_query(checkpoint.url):
            listing = self._listing(checkpoint.url, target)
            if isinstance(listing, Mapping) and (address := direct_url(listing.get(checkpoint.file))):
                return Source(address=address)
            doubt = listing if isinstance(listing, str) else f"{checkpoint.url} holds only {', '.join(listing)}"
            if spare is None:
                raise UserError(f"{doubt}; ask the authors, take a mirror with --url, or put the file at {target}.")
        return Source(address=spare, doubt=doubt) if spare else None

    def _listing(self, url: str, target: Path) -> Mapping[str, str] | str:
        """What the folder holds, as `list_folder`; in words why it cannot be listed."""
        if url not in self._listings:
            try:
                self._listings[url] = list_folder(url, target.parent, self.drive)
            except Unreachable:
                raise
            except UserError as error:
                self._listings[url] = str(error).rstrip(".")
        return self._listings[url]


def direct_url(url: str | None) -> str | None:
    """The address of the bytes of a file, if `url` is one or a Drive link to one; None for pages, folders, shares."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    if not url or parts.scheme not in ("http", "https") or PAGES.search(url):
        return None
    if query := file_query(url):
        return f"{DRIVE}/uc?" + urlencode({"export": "download", **query})
    asset = parts.hostname == "github.com" and "/releases/download/" in parts.path
    return url if asset or parts.path.lower().endswith(SUFFIXES) else None


def can_be_fetched(checkpoint: Checkpoint) -> bool:
    """Whether `lic-bench fetch weights` can get a file: it has a link, a Drive folder or a third party's link."""
    return any((direct_url(checkpoint.url), folder_query(checkpoint.url), direct_url(checkpoint.third_party)))
