"""Weights in a Drive folder, of a third party, and behind a server that cannot be reached."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lalic.model import small
from lic_bench.codecs import registry
from lic_bench.codecs.checkpoints import LOCK, read_lock
from lic_bench.codecs.loading import load_model
from lic_bench.codecs.registry import resolve_codec
from lic_bench.fetch.fetch_weights import codecs_with_weights, fetch_weights
from lic_bench.fetch.weights_outcome import complaints, shortfall, summary
from lic_bench.spec import Checkpoint, CodecSpec

FOLDER = "https://drive.google.com/drive/folders/FOLDER"
LISTED = "/embeddedfolderview?id=FOLDER"
THIRD = "https://drive.google.com/file/d/THIRD/view"


def saved(state: dict[str, torch.Tensor]) -> bytes:
    """A weights file, as torch.save writes it."""
    out = io.BytesIO()
    torch.save({"state_dict": state}, out)
    return out.getvalue()


OTHER = saved({"conv.weight": torch.zeros(30, 30)})


@pytest.fixture(scope="module")
def fitting() -> bytes:
    return saved(load_model("lalic-small").state_dict())


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LIC_BENCH_CHECKPOINTS", raising=False)
    monkeypatch.setattr(registry, "_plugins", {})


def codec(*checkpoints: Checkpoint, name: str = "net") -> CodecSpec:
    """lalic-small under another name, with these checkpoints at quality 1, 2, ..."""
    spec = replace(resolve_codec("lalic-small"), name=name, ablations={}, checkpoints=dict(enumerate(checkpoints, 1)))
    registry._plugins[name] = spec
    return spec


def asked(file_id: str) -> str:
    return f"/uc?export=download&id={file_id}"


def listing(**ids: str) -> bytes:
    links = [f'<a href="https://drive.google.com/file/d/{ids[name]}/view">{name}.pth</a>' for name in ids]
    return f"<html>{''.join(links)}</html>".encode()


def test_files_of_a_folder_come_by_name_and_the_folder_is_listed_once(web, tmp_path: Path) -> None:
    warning = f'<form action="{web.url}/download"><input type="hidden" name="id" value="TWO">'
    warning += '<input type="hidden" name="confirm" value="t"></form>'
    web.replies = {
        LISTED: web.Reply(listing(q1="ONE", q2="TWO"), "text/html"),
        asked("ONE"): web.Reply(OTHER, breaks=[len(OTHER), 700]),  # the first is only looked at
        asked("TWO"): web.Reply(warning.encode(), "text/html"),
        "/download": web.Reply(OTHER),
    }
    codec(*(Checkpoint(file=f"q{q}.pth", url=FOLDER, third_party=THIRD) for q in (1, 2)))
    (outcome,) = fetch_weights("net", tmp_path, drive=web.url)
    assert summary(outcome) == [f"net: 2 downloaded, 0 there already; in {tmp_path / 'net'}"]
    assert (tmp_path / "net/q1.pth").read_bytes() == (tmp_path / "net/q2.pth").read_bytes() == OTHER
    assert read_lock(tmp_path)["net/q1.pth"].url == f"https://drive.google.com{asked('ONE')}"
    assert (asked("ONE"), "bytes=700-") in web.requests
    assert web.asked().count(LISTED) == 1
    web.requests.clear()
    assert fetch_weights("net", tmp_path, drive=web.url)[0].kept == 2
    assert web.requests == []


def test_a_renamed_file_is_said_with_the_names_that_are_there(web, tmp_path: Path) -> None:
    web.replies[LISTED] = web.Reply(listing(mse1="ONE", mse2="TWO"), "text/html")
    codec(Checkpoint(file="q1.pth", url=FOLDER))
    (outcome,) = fetch_weights("net", tmp_path, drive=web.url)
    assert complaints(outcome) == [
        f"net/q1.pth: {FOLDER} holds only mse1.pth, mse2.pth; ask the authors, take a mirror with --url, or put the "
        f"file at {tmp_path / 'net/q1.pth'}."
    ]
    assert shortfall([outcome]) == "1 of 1 files could not be had, see above."


def test_a_third_partys_file_that_fits_stands_in_for_a_renamed_one(web, tmp_path: Path, fitting: bytes) -> None:
    web.replies = {LISTED: web.Reply(listing(mse1="ONE"), "text/html"), asked("THIRD"): web.Reply(fitting)}
    codec(Checkpoint(file="q1.pth", url=FOLDER, third_party=THIRD))
    (outcome,) = fetch_weights("net", tmp_path, drive=web.url)
    assert summary(outcome) == [
        f"net: 1 downloaded, 0 there already; in {tmp_path / 'net'}",
        f"net: by links of a third party, kept only if they fit the network: q1.pth; {FOLDER} holds only mse1.pth",
    ]
    assert read_lock(tmp_path)["net/q1.pth"].url == f"https://drive.google.com{asked('THIRD')}"
    (tmp_path / "net/q1.pth").unlink()
    web.replies[asked("THIRD")] = web.Reply(fitting + b"\0")
    assert len(fetch_weights("net", tmp_path, drive=web.url)[0].errors) == 1, "another file than the lock's"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (OTHER, "does not fit codec 'net': "),
        (saved(small().state_dict()), "holds the weights of another network than 'net''s; nothing was kept."),
    ],
    ids=["other names", "other widths"],
)
@pytest.mark.parametrize("url", [FOLDER, "https://github.com/example/weights"])
def test_a_third_partys_file_of_another_network_is_not_kept(
    web, tmp_path: Path, url: str, content: bytes, problem: str
) -> None:
    web.replies[asked("THIRD")] = web.Reply(content)
    codec(Checkpoint(file="q1.pth", url=url, third_party=THIRD))
    (outcome,) = fetch_weights("net", tmp_path, drive=web.url)
    (said,) = complaints(outcome)
    assert said.startswith(f"net/q1.pth: https://drive.google.com{asked('THIRD')} gave a file that {problem}")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
    lacking = f"lists no folder at {FOLDER} (status 404" if url == FOLDER else f"{url} is a page for people"
    assert lacking in summary(outcome)[1]


def test_what_torch_cannot_read_is_not_kept_either(web, tmp_path: Path) -> None:
    web.replies[asked("THIRD")] = web.Reply(b"\x80\x02" + bytes(3000))
    codec(Checkpoint(file="q1.pth", url=FOLDER, third_party=THIRD))
    (said,) = complaints(fetch_weights("net", tmp_path, drive=web.url)[0])
    assert "gave a file that cannot be used: Weights file" in said
    assert not (tmp_path / LOCK).exists()


def test_the_quota_of_a_file_in_a_folder_is_said(web, tmp_path: Path) -> None:
    web.replies[LISTED] = web.Reply(listing(q1="ONE"), "text/html")
    web.replies[asked("ONE")] = web.Reply(b"<title>Google Drive - Quota exceeded</title>", "text/html")
    codec(Checkpoint(file="q1.pth", url=FOLDER, third_party=THIRD))
    (said,) = complaints(fetch_weights("net", tmp_path, drive=web.url)[0])
    assert said.startswith("net/q1.pth: Google Drive's quota for this file is used up")


def test_a_server_that_cannot_be_reached_is_tried_once_and_said_once_per_codec(web, tmp_path: Path) -> None:
    codec(*(Checkpoint(file=f"q{q}.pth", url=FOLDER, third_party=THIRD) for q in (1, 2)))
    codec(Checkpoint(file="a.pth", url=THIRD), Checkpoint(file="b.pth", url=f"{web.url}/b.pth"), name="other")
    web.replies["/b.pth"] = web.Reply(OTHER)
    outcomes = fetch_weights("net,other", tmp_path, drive="http://127.0.0.1:9")
    first, second = (line for outcome in outcomes for line in complaints(outcome))
    why = "drive.google.com cannot be reached ([Errno 111] Connection refused)"
    assert first.startswith(f"net: {why}: q1.pth, q2.pth. Check the network")
    assert first.endswith(f"or put the files into {tmp_path / 'net'}.")
    assert second.startswith(f"other: {why}: a.pth. ")
    assert [(outcome.downloaded, outcome.failed) for outcome in outcomes] == [(0, 2), (1, 1)]
    assert shortfall(outcomes) == "3 of 4 files could not be had, see above."


def test_the_codecs_with_weights_are_known() -> None:
    known = codecs_with_weights().split(", ")
    assert {"elic (6)", "lalic (6)", "fat-msssim (6)", "tcm-large (1)"} <= set(known)
    assert not any(name.startswith(("jpeg", "mambavc")) for name in known)
