import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from lic_bench.codec import Bitstream
from lic_bench.codecs.loading import load_codec
from lic_bench.codecs.program_codec import ProgramCodec
from lic_bench.codecs.registry import resolve_codec
from lic_bench.system.programs import ProgramError

pytestmark = pytest.mark.usefixtures("scripted")
X = torch.rand(1, 3, 7, 5, generator=torch.Generator().manual_seed(0)).mul(255).round().div(255)


def codec(bits: int = 8) -> ProgramCodec:
    found = load_codec(resolve_codec("scripted"), bits, None, torch.device("cpu")).codec
    assert isinstance(found, ProgramCodec)
    return found


def encodes(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_an_image_goes_through_files_and_back() -> None:
    bits = codec().compress(X)
    assert torch.equal(codec().decompress(Bitstream(bits.payload, bits.header)), X)
    assert len(bits.header) == 8
    few = codec(1)
    assert set(few.decompress(few.compress(X)).unique().mul(255).round().int().tolist()) == {0, 128}


def test_what_was_encoded_once_is_not_encoded_again(scripted: Path) -> None:
    one, two = codec(), codec()
    one.reads_cache = two.reads_cache = True
    bits = one.compress(X)
    assert two.compress(X) == bits
    assert encodes(scripted) == 1
    other = codec(7)
    other.reads_cache = True
    other.compress(X)
    two.compress(1 - X)
    assert encodes(scripted) == 3


def test_what_is_timed_neither_reads_nor_fills_the_cache(scripted: Path) -> None:
    timed, untimed = codec(), codec()
    untimed.reads_cache = True
    timed.compress(X)
    untimed.compress(X)
    timed.compress(X)
    assert encodes(scripted) == 3


def left_over(tmp_path: Path) -> list[Path]:
    """What is in the cache, and this process's workspaces of the codec."""
    workspaces = Path(tempfile.gettempdir()).glob(f"lic-bench-*/scripted-{os.getpid()}-*")
    return [*workspaces, *(path for path in (tmp_path / "cache").rglob("*") if path.is_file())]


def test_a_failing_encoder_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTED_DO", "fail")
    broken = codec()
    broken.reads_cache = True
    with pytest.raises(ProgramError, match="ended with exit code 1: the coder's own words"):
        broken.compress(X)
    assert left_over(tmp_path) == []
    monkeypatch.delenv("SCRIPTED_DO")
    assert torch.equal(broken.decompress(broken.compress(X)), X)
    assert [path.parents[2] for path in left_over(tmp_path)] == [tmp_path / "cache"]  # the one bitstream


def test_an_encoder_without_a_bitstream_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTED_DO", "nothing")
    with pytest.raises(ProgramError, match="ended without an error and wrote no bitstream"):
        codec().compress(X)


def test_a_picture_of_another_size_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = codec().compress(X)
    monkeypatch.setenv("SCRIPTED_DO", "short")
    with pytest.raises(ProgramError, match="decoded no 5x7 picture: cannot reshape array of size 104"):
        codec().decompress(bits)


def test_a_damaged_bitstream_is_the_decoders_error() -> None:
    bits = codec().compress(X)
    with pytest.raises(ProgramError, match=r"ended with exit code 1: .*zlib\.error"):
        codec().decompress(Bitstream(bits.payload[:-5], bits.header))


def test_threads_do_not_get_in_each_others_way() -> None:
    one = codec()
    images = [torch.full((1, 3, 4, 4), level / 255) for level in range(0, 240, 16)]
    with ThreadPoolExecutor(5) as pool:
        for x, bits in zip(images, pool.map(one.compress, images), strict=True):
            assert torch.equal(one.decompress(bits), x)


def test_a_program_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTED_DO", "wait:2")
    slow = codec()
    slow.timeout_s = 1
    with pytest.raises(ProgramError, match="was stopped: it took longer than 1 s"):
        slow.compress(X)
