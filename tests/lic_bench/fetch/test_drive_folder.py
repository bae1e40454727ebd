"""Links to folders on Google Drive, and the page that lists one on a server that answers as Drive does."""

from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.fetch.drive_folder import folder_query, list_folder
from lic_bench.fetch.http_requests import Unreachable

ID = "1gEN-24FOe2z_NfwpJrj2JIHPlRBNxA8n"
LINK = f"https://drive.google.com/drive/folders/{ID}?usp=sharing"
ASKED = f"/embeddedfolderview?id={ID}"


def entry(link: str, name: str) -> str:
    """A line of Drive's list: an icon, the name, a date."""
    return f"""<div class="flip-entry" id="entry-x" tabindex="0" role="link"><div class="flip-entry-info">
<a href="{link}" target="_blank"><div class="flip-entry-visual"><img src="https://drive.google.com/icon.png" alt=""/>
</div><div class="flip-entry-title">{name}</div></a></div><div class="flip-entry-last-modified">12/1/24</div></div>"""


def page(*entries: str) -> bytes:
    return f"""<!DOCTYPE html><html><head><title>weights</title></head><body><a href="https://www.google.com/about">?</a>
<div class="flip-list">{"".join(entries)}</div></body></html>""".encode()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"drive.google.com/drive/folders/{ID}", {"id": ID}),
        (f"drive.google.com/drive/folders/{ID}/?usp=sharing", {"id": ID}),
        (f"drive.google.com/drive/u/1/folders/{ID}", {"id": ID}),
        (f"drive.google.com/drive/mobile/folders/{ID}", {"id": ID}),
        (f"drive.google.com/drive/folders/{ID}?resourcekey=0-x&usp=y", {"id": ID, "resourcekey": "0-x"}),
        (f"drive.google.com/file/d/{ID}/view", None),
        (f"example.org/drive/folders/{ID}", None),
        ("drive.google.com/drive/folders/", None),
        ("[", None),
    ],
)
def test_a_link_to_a_folder_is_told_from_others(path: str, query: dict[str, str] | None) -> None:
    assert folder_query(f"https://{path}") == query


def test_files_and_folders_are_listed_by_name_and_nothing_else(web) -> None:
    web.replies[ASKED] = web.Reply(
        page(
            entry("https://drive.google.com/file/d/one/view?usp=drive_web", "q1 &amp;\n more.pth"),
            entry("https://drive.google.com/drive/folders/inner", "old"),
            entry("https://drive.google.com/file/d/two/view?usp=drive_web&amp;resourcekey=0-k", "q2.pth"),
            entry("https://drive.google.com/file/d/later/view", "q2.pth"),
            entry("https://docs.google.com/document/d/three/edit", "notes"),
            entry("https://elsewhere.example/file/d/four/view", "q4.pth"),
        ),
        "text/html; charset=utf-8",
    )
    assert list_folder(LINK, Path("w"), web.url) == {
        "q1 & more.pth": "https://drive.google.com/file/d/one/view?usp=drive_web",
        "old/": "https://drive.google.com/drive/folders/inner",
        "q2.pth": "https://drive.google.com/file/d/two/view?usp=drive_web&resourcekey=0-k",
    }


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (None, r"lists no folder at .*folders/1gEN.*status 404"),
        ((b"<p>Sign in", "text/html", 403), "status 403"),
        ((page(), "text/html", 200), "shows no files at .*empty, or only for those it is shared with"),
        ((b"bytes", "application/octet-stream", 200), "lists no folder"),
        ((b"busy", "text/html", 429), r"429 .*\(5 attempts\)"),
    ],
)
def test_what_is_no_list_is_said(web, reply: tuple[bytes, str, int] | None, message: str) -> None:
    if reply:
        web.replies[ASKED] = web.Reply(*reply)
    with pytest.raises(UserError, match=message):
        list_folder(LINK, Path("w"), web.url)


def test_a_server_that_cannot_be_reached_is_named_as_in_the_link(web) -> None:
    with pytest.raises(Unreachable, match="refused") as caught:
        list_folder(LINK, Path("w"), "http://127.0.0.1:9")
    assert caught.value.host == "drive.google.com"
    with pytest.raises(UserError, match="no link to a folder"):
        list_folder("https://drive.google.com/file/d/x/view", Path("w"))
