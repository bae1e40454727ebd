"""Bitstreams of a decode-only codec from the server of conftest.py."""

import hashlib
from dataclasses import replace

import pytest

from lic_bench.codecs import registry
from lic_bench.codecs.released_streams import released_hashes
from lic_bench.errors import UserError
from lic_bench.fetch import fetch_streams as module
from lic_bench.fetch.fetch_streams import codecs_with_streams, fetch_streams

FILES = {f"kodim0{n}-lmbda-{x}.bin": bytes([n]) * 400 + x.encode() for n in (1, 2) for x in ("002", "0001")}


@pytest.fixture
def four(monkeypatch):
    """Four released files."""
    known = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    monkeypatch.setattr(module, "released_hashes", lambda streams: known)


def test_files_come_beside_the_data_sets_and_what_is_right_stays(server, tmp_path, four):
    server.behaviour.files = {f"/s/{name}": data for name, data in FILES.items()}
    server.behaviour.break_after = [100]
    (fetched,) = fetch_streams("cool-chic", tmp_path, f"{server.url}/s/")
    assert (fetched.folder, fetched.files, fetched.downloaded) == (tmp_path / "cool-chic" / "kodak", 4, 4)
    assert {file.name: file.read_bytes() for file in fetched.folder.iterdir()} == FILES
    (fetched.folder / "kodim02-lmbda-002.bin").write_bytes(b"damaged")
    assert fetch_streams("cool-chic", tmp_path, f"{server.url}/s")[0].downloaded == 1
    assert {file.name: file.read_bytes() for file in fetched.folder.iterdir()} == FILES
    assert len(server.behaviour.requests) == 6


def test_the_known_address_is_asked(server, tmp_path, four, monkeypatch):
    spec = registry.resolve_codec("cool-chic")
    assert spec.streams.url.startswith("https://raw.githubusercontent.com/Orange-OpenSource/Cool-Chic/715e554")
    here = replace(spec, streams=replace(spec.streams, url=f"{server.url}/results/kodak"))
    monkeypatch.setattr(module, "choose_codecs", lambda names: [here])
    server.behaviour.files = {f"/results/kodak/{name}": data for name, data in FILES.items()}
    assert fetch_streams("cool-chic", tmp_path)[0].downloaded == 4


def test_another_file_is_refused(server, tmp_path, four):
    server.behaviour.files = {f"/{name}": data[:-1] + b"?" for name, data in FILES.items()}
    with pytest.raises(UserError, match="sha256"):
        fetch_streams("cool-chic", tmp_path, server.url)
    assert not list((tmp_path / "cool-chic" / "kodak").glob("*.bin"))


def test_what_cannot_be_fetched_is_said(tmp_path):
    assert codecs_with_streams() == ["cool-chic"]
    with pytest.raises(UserError, match="Codec 'jpeg' encodes by itself; bitstreams are of cool-chic"):
        fetch_streams("jpeg", tmp_path)
    with pytest.raises(UserError, match="http"):
        fetch_streams("cool-chic", tmp_path, "ftp://nowhere")


def test_the_list_comes_with_the_codec():
    streams = registry.resolve_codec("cool-chic").streams
    names = {streams.file(q, f"kodim{n:02}.png") for q in streams.files for n in range(1, 25)}
    assert set(released_hashes(streams)) == names
    with pytest.raises(UserError, match=r"none.sha256 of adapters.cool_chic did not come with lic-bench"):
        released_hashes(replace(streams, sha256="adapters.cool_chic:none.sha256"))
