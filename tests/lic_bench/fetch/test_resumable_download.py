"""Downloads from the server of conftest.py."""

import hashlib

import numpy as np
import pytest

from lic_bench.errors import UserError
from lic_bench.fetch import http_requests
from lic_bench.fetch.resumable_download import download

BODY = np.random.default_rng(0).bytes(300_000)
SHA = hashlib.sha256(BODY).hexdigest()
MOST = 1_000_000


def get(server, tmp_path, sha256=SHA, progress=None):
    return download(f"{server.url}/f.bin", tmp_path / "f.bin", most=MOST, sha256=sha256, progress=progress)


def clean(folder):
    return [p.name for p in folder.iterdir()]


def test_a_file_comes_whole_with_progress_and_leaves_nothing_beside_it(server, tmp_path):
    server.behaviour.files["/f.bin"] = BODY
    seen = []
    assert get(server, tmp_path, progress=lambda *row: seen.append(row)) == SHA
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert clean(tmp_path) == ["f.bin"]
    assert seen[-1] == ("f.bin", len(BODY), len(BODY))
    assert [row[1] for row in seen] == sorted(row[1] for row in seen)


def test_a_broken_connection_is_resumed_where_it_broke(server, tmp_path):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY}, break_after=[100_000, 50_000])
    get(server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY
    assert [r for _, r in server.behaviour.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_resumes_too(server, tmp_path):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY}, break_after=[60_000] + [0] * 4)
    with pytest.raises(UserError, match=r"broke after 60000 of 300000 bytes \(5 attempts\).*resumes"):
        get(server, tmp_path)
    get(server, tmp_path)
    assert server.behaviour.requests[-1] == ("/f.bin", "bytes=60000-")
    assert (tmp_path / "f.bin").read_bytes() == BODY


@pytest.mark.parametrize("behaviour", [{"ranges": False}, {"etag": None}, {"etag": 'W/"weak"'}])
def test_without_ranges_or_a_mark_it_starts_over(server, tmp_path, behaviour):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY}, break_after=[100_000], **behaviour)
    get(server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY


def test_a_file_that_changed_meanwhile_is_not_mixed_with_its_older_half(server, tmp_path):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY[::-1]}, break_after=[100_000] + [0] * 4)
    with pytest.raises(UserError, match="broke"):
        get(server, tmp_path)
    server.behaviour = server.Behaviour(files={"/f.bin": BODY}, etag='"two"')
    get(server, tmp_path)
    assert (tmp_path / "f.bin").read_bytes() == BODY


@pytest.mark.parametrize(
    "change",
    [{"etag": '"two"'}, {"etag": None}, {"files": {"/f.bin": BODY + b"more"}}],
    ids=["another version", "no version", "another size"],
)
def test_a_part_of_another_version_is_not_joined_to_what_is_there(server, tmp_path, change):
    before = {"files": {"/f.bin": BODY[::-1]}, "break_after": [100_000] + [0] * 4}
    server.behaviour = server.Behaviour(**before)
    with pytest.raises(UserError, match="broke"):
        get(server, tmp_path)
    now = {"files": {"/f.bin": BODY}, "heeds_if_range": False} | change
    server.behaviour = server.Behaviour(**now)
    get(server, tmp_path, sha256=None)
    assert (tmp_path / "f.bin").read_bytes() == now["files"]["/f.bin"]
    assert [asked for _, asked in server.behaviour.requests] == ["bytes=100000-", None]


@pytest.mark.parametrize("length", [True, False])
def test_more_than_such_a_file_can_have_is_refused(server, tmp_path, length):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY}, length=length)
    with pytest.raises(UserError, match=r"sends more than 200000 bytes, which no such file has; nothing was kept"):
        download(f"{server.url}/f.bin", tmp_path / "f.bin", most=200_000)
    assert clean(tmp_path) == []


@pytest.mark.parametrize("part", ["header", "body"])
def test_a_server_that_sends_next_to_nothing_is_given_up(server, tmp_path, monkeypatch, part):
    monkeypatch.setattr(http_requests, "ATTEMPTS", 2)
    server.behaviour = server.Behaviour(drips=part)
    with pytest.raises(UserError, match=r"the server sent \d+ bytes in 0 s.*\(2 attempts\)"):
        get(server, tmp_path)


@pytest.mark.parametrize("location", ["http://[::1", "http://\u00e9..x/", "gopher://x/"])
def test_a_redirect_to_what_is_no_address_is_one_line(server, tmp_path, location):
    server.behaviour = server.Behaviour(location=location.encode().decode("latin-1"))
    with pytest.raises(UserError) as error:
        get(server, tmp_path)
    assert "\n" not in str(error.value)
    assert clean(tmp_path) == []


def test_a_server_whose_file_became_shorter_is_asked_anew(server, tmp_path):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY + BODY}, break_after=[len(BODY)] + [0] * 4)
    with pytest.raises(UserError):
        get(server, tmp_path)
    server.behaviour = server.Behaviour(files={"/f.bin": BODY})  # the same mark: 416
    assert get(server, tmp_path) == SHA


def test_a_stream_without_length_is_taken(server, tmp_path):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY}, length=False)
    assert get(server, tmp_path) == SHA


def test_passing_errors_are_tried_again(server, tmp_path):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY}, statuses=[500, 503, 429])
    get(server, tmp_path)
    assert len(server.behaviour.requests) == 4


def test_lasting_errors_end_in_one_line_with_the_way_out(server, tmp_path):
    server.behaviour = server.Behaviour(files={"/f.bin": BODY}, statuses=[500] * 5)
    with pytest.raises(UserError, match=r"500 .*\(5 attempts\).*by other means and put it at .*f.bin"):
        get(server, tmp_path)
    with pytest.raises(UserError, match=r"answers 404 Not Found; give another address with --url"):
        download(f"{server.url}/gone", tmp_path / "gone", most=MOST)
    assert len(server.behaviour.requests) == 6
    assert clean(tmp_path) == []


def test_no_server_at_all_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(http_requests, "PAUSE_S", 0.0)
    with pytest.raises(UserError, match=r"Connection refused.*Check the network"):
        download("http://127.0.0.1:9/f.bin", tmp_path / "f.bin", most=MOST)


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_no_data(server, tmp_path, content_type):
    page = b"\n<!DOCTYPE html><html>quota exceeded</html>"
    server.behaviour = server.Behaviour(files={"/f.bin": page}, content_type=content_type)
    with pytest.raises(UserError, match="a web page"):
        get(server, tmp_path, sha256=None)
    assert clean(tmp_path) == []


def test_wrong_content_is_not_kept(server, tmp_path):
    server.behaviour.files["/f.bin"] = BODY[:-1]
    with pytest.raises(UserError, match=f"gave another file .*expected {SHA[:12]}"):
        get(server, tmp_path)
    assert clean(tmp_path) == []
