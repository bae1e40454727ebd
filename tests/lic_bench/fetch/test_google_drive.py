"""Links to files on Google Drive, the pages it answers with, and the way past them on a server that does as it does."""

from pathlib import Path

import pytest

from lic_bench.errors import UserError
from lic_bench.fetch.google_drive import Page, confirmation_address, direct_address, file_query, quota_used_up, refusal

ID = "1aB-cD_eF234567890"
LINK = f"https://drive.google.com/file/d/{ID}/view?usp=sharing"
ASKED = f"/uc?export=download&id={ID}"
QUOTA = """<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>
<p>Sorry, you can&#39;t view or download this file at this time.</p><p>Too many users have viewed or downloaded this
file recently. Please try accessing the file again later.</p></body></html>"""


def virus_page(action: str, uuid: str = "1-2&amp;3") -> str:
    """The page that comes before large files: a search form, then the one that counts."""
    return f"""<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>
<form action="/search"><input type="hidden" name="id" value="wrong"/></form>
<input type="hidden" name="confirm" value="outside">
<p>q1.pth (1.2G) is too large for Google to scan for viruses.</p>
<form id="download-form" action="{action}" method="get"><input type="submit" value="Download anyway"/>
<input type="hidden" name="id" value="{ID}"><input type="hidden" name="export" value="download">
<input type="hidden" name="confirm" value="t"><input type="hidden" name="uuid" value="{uuid}"></form></body></html>"""


@pytest.mark.parametrize(
    "path",
    [
        f"drive.google.com/file/d/{ID}/view?usp=sharing",
        f"drive.google.com/file/d/{ID}",
        f"drive.google.com/file/u/1/d/{ID}/edit",
        f"drive.google.com/uc?id={ID}",
        f"drive.google.com/uc?export=download&id={ID}&confirm=t",
        f"drive.google.com/open?id={ID}",
        f"drive.google.com/u/0/uc?id={ID}",
        f"docs.google.com/uc?id={ID}",
        f"drive.usercontent.google.com/download?id={ID}&export=download",
    ],
)
def test_every_form_of_a_link_names_the_file(path: str) -> None:
    assert file_query(f"https://{path}") == {"id": ID}


def test_the_key_of_older_files_is_kept() -> None:
    assert file_query(f"https://drive.google.com/file/d/{ID}/view?resourcekey=0-x") == {"id": ID, "resourcekey": "0-x"}


@pytest.mark.parametrize(
    "url",
    [
        f"https://drive.google.com/drive/folders/{ID}?usp=sharing",
        "https://drive.google.com/uc?export=download",
        f"https://docs.google.com/document/d/{ID}/edit",
        f"https://example.org/file/d/{ID}/view",
        "",
    ],
)
def test_folders_and_other_addresses_name_none(url: str) -> None:
    assert file_query(url) is None
    with pytest.raises(UserError, match=r"no link to a single file of Google Drive"):
        direct_address(url, Path("x"))


def test_download_anyway_sends_the_hidden_inputs_again() -> None:
    there = "https://drive.usercontent.google.com/download"
    query = f"id={ID}&export=download&confirm=t&uuid=1-2%263"
    assert confirmation_address(virus_page(there), "https://drive.google.com/uc") == f"{there}?{query}"
    assert confirmation_address(virus_page("/download"), "https://host/uc?id=1") == f"https://host/download?{query}"
    in_action = f'<form action="/uc?id={ID}&amp;confirm=t" method="post"></form>'
    assert confirmation_address(in_action, "https://host/") == f"https://host/uc?id={ID}&confirm=t"


@pytest.mark.parametrize(
    "html", ["", "<p>no form", '<form action="/x"><input type="hidden" name="id" value="1"></form>']
)
def test_other_pages_lead_nowhere(html: str) -> None:
    assert confirmation_address(html, "https://host/") is None


def test_the_quota_page_is_known_by_its_words() -> None:
    assert quota_used_up(QUOTA)
    assert quota_used_up("<p>Too many users have <b>viewed or\n downloaded</b> this file recently</p>")
    assert not quota_used_up(virus_page("/download"))


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (
            Page(url="https://drive.google.com/uc", status=200, html=QUOTA),
            r"quota .*used up.*within 24 hours.*at /w/q1",
        ),
        (Page(url="https://drive.google.com/uc", status=404, html=""), r"no file at .* any more.*--url"),
        (Page(url="https://drive.google.com/uc", status=403, html="<p>No"), r"shared with: log in, .*at /w/q1"),
        (Page(url="https://accounts.google.com/v3", status=200, html="<p>Sign in"), r"shared with: log in"),
        (Page(url="https://drive.google.com/uc", status=200, html="<p>?"), r"a page instead.*status 200.*at /w/q1"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(page: Page, message: str) -> None:
    with pytest.raises(UserError, match=message):
        raise refusal(page, LINK, Path("/w/q1.pth"))


def test_a_small_file_comes_at_once(web) -> None:
    web.replies[ASKED] = web.Reply(b"weights")
    assert direct_address(LINK, Path("q1.pth"), web.url) == web.url + ASKED


def test_a_large_file_is_found_behind_the_page_about_viruses(web) -> None:
    web.replies[ASKED] = web.Reply(virus_page(f"{web.url}/download").encode(), "text/html; charset=utf-8")
    web.replies["/download"] = web.Reply(b"weights")
    address = direct_address(LINK, Path("q1.pth"), web.url)
    assert address == f"{web.url}/download?id={ID}&export=download&confirm=t&uuid=1-2%263"
    assert web.asked() == [ASKED, address.removeprefix(web.url)]


@pytest.mark.parametrize("status", [200, 403, 429])
def test_a_used_up_quota_ends_at_once_before_and_behind_that_page(web, status: int) -> None:
    page = web.Reply(virus_page("/download").encode(), "text/html")
    quota = web.Reply(QUOTA.encode(), "text/html", status)
    for web.replies in ({ASKED: quota}, {ASKED: page, "/download": quota}):
        with pytest.raises(UserError, match=r"quota for this file is used up"):
            direct_address(LINK, Path("q1.pth"), web.url)
    assert len(web.requests) == 3


def test_passing_errors_are_tried_again(web) -> None:
    web.replies[ASKED] = web.Reply(b"busy", "text/plain", 503)
    with pytest.raises(UserError, match=r"503 .*\(5 attempts\).*put it at q1.pth"):
        direct_address(LINK, Path("q1.pth"), web.url)
    assert len(web.requests) == 5


def test_a_file_that_is_gone_is_said(web) -> None:
    with pytest.raises(UserError, match=r"has no file at .*view\?usp=sharing any more"):
        direct_address(LINK, Path("q1.pth"), web.url)


def test_pages_without_end_are_left(web) -> None:
    web.replies = {path: web.Reply(virus_page("/download").encode(), "text/html") for path in (ASKED, "/download")}
    with pytest.raises(UserError, match="asks again and again"):
        direct_address(LINK, Path("q1.pth"), web.url)
    assert len(web.requests) == 3


@pytest.mark.parametrize(
    "action", ["file:///etc/passwd", "ftp://drive.google.com/x", "http://elsewhere.example/download"]
)
def test_a_form_that_leads_elsewhere_is_not_followed(action: str) -> None:
    assert confirmation_address(virus_page(action), "https://drive.google.com/uc") is None
